# SPDX-License-Identifier: Apache-2.0
"""What must be so when everything has come to rest: nothing is left of what was begun, what
people wanted is so, and each host's state is what the host is."""

from typing import TYPE_CHECKING, Any, Final

from tests.simulation.truth import BUSY

if TYPE_CHECKING:
    from tests.simulation.simulation import World

Seen = dict[str, Any]
"""What was seen: hosts' states, alarms."""

_UNLOCKED: Final = ("enabled", "degraded", "lost", "recovering", "enabling")

RELEASES: Final = 2
"""Nobody changes what is in the chart."""


def at_rest(world: "World", *, before: Seen | None = None) -> Seen:
    """Look at everything; return what is seen.

    :param before: what was seen before all conductors started anew.
    """
    truth, say = world.truth, world.truth.say
    truth.look()
    hosts = truth.read(
        "SELECT hostname, state, online, reservation_owner, powered_off, provisioned_plan"
        " FROM host ORDER BY hostname"
    )
    alarms = truth.read(
        "SELECT alarm_id, entity_instance_id, severity FROM alarm ORDER BY 1, 2"
    )
    for row in truth.read("SELECT id, kind, hostname, state FROM run"):
        if row[3] in ("queued", "running"):
            say("stuck", f"run {row[0]}, {row[1]} of {row[2]}, is {row[3]}")
    for name, state, online, owner, powered_off, plan in hosts:
        if state in BUSY:
            say("stuck", f"{name} is {state}")
        if owner is not None:
            say("stuck", f"{name} is reserved by {owner}")
        _check_host(world, name, state, bool(online), bool(powered_off), plan)
    _check_intents(world, {row[0]: row[1] for row in hosts})
    _check_alarms(world, {row[0]: row[1] for row in hosts}, alarms)
    seen: Seen = {row[0]: row[1:3] for row in hosts}
    seen |= {f"{row[0]} {row[1]}": row[2] for row in alarms}
    if world.deployment.helm.revision > RELEASES:
        say(
            "fight",
            f"the agents' chart was changed {world.deployment.helm.revision} times",
        )
    if before is not None:
        _compare(world, before, seen)
    return seen


def _check_host(
    world: "World",
    name: str,
    state: str,
    online: bool,
    powered_off: bool,
    plan: str | None,
) -> None:
    host, say = world.field.hosts[name], world.truth.say
    is_heard = (
        host.is_well() and world.scheduler.now - world.truth.able_since(host) > 60.0
    )
    is_ready = host.ready_since is not None
    if state in ("enabled",) and not (is_heard and is_ready):
        say("untrue", f"{name} is enabled, and is not heard or not Ready")
    if state in ("degraded", "lost") and is_heard and is_ready:
        say("untrue", f"{name} is {state}, and is heard and Ready")
    if is_heard and not online:
        say("untrue", f"{name} ({state}) is heard, and not online")


def _check_intents(world: "World", states: dict[str, str]) -> None:
    """What was asked for last, and accepted, is so, or its run says why not."""
    last: dict[str, str] = {}
    for one in world.people.accepted:
        last[one.host] = one.action
    for host, action in last.items():
        state = states.get(host)
        runs = [run for run in world.truth.acts.runs.values() if run.hostname == host]
        run = runs[-1] if runs else None
        failed = run is not None and run.state == "failed"
        is_so = {
            "add": state is not None,
            "delete": state is None,
            "unlock": state in _UNLOCKED,
            "lock": state == "locked",
            "force-lock": state in ("locked", "provision-failed", "added"),
        }.get(action, True)
        if not is_so and not failed:
            said = (
                f"{run.kind} is {run.state}" if run is not None else "there is no run"
            )
            world.truth.say("forgotten", f"{action} of {host}: it is {state}; {said}")


def _check_alarms(world: "World", states: dict[str, str], alarms: list[Any]) -> None:
    for alarm, entity, _severity in alarms:
        name = entity.removeprefix("host=").split(".")[0]
        host = world.field.hosts.get(name)
        state = states.get(name)
        if alarm == "200.001" and state in ("locked", "provisioning"):
            continue
        if alarm == "200.005" and state in ("lost", "degraded", "recovering"):
            continue
        if alarm == "200.010" and host is not None and host.board is not None:
            continue
        if host is not None and state == "lost":
            continue
        world.truth.say("untrue", f"alarm {alarm} {entity} stands, the host is {state}")


def _compare(world: "World", before: Seen, seen: Seen) -> None:
    for what in sorted(before.keys() | seen.keys()):
        if before.get(what) != seen.get(what):
            world.truth.say(
                "fresh look",
                f"{what}: was {before.get(what)}, and is {seen.get(what)} for new conductors",
            )
