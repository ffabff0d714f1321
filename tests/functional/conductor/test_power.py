# SPDX-License-Identifier: Apache-2.0
"""Power: a locked host is rebooted, reset, switched off; one that is off is not lost."""

import pytest

from hummingbird.db.repository import host as hosts
from hummingbird.domain.host import view
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.maintenance import decide
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.world import World


@pytest.fixture
def locked(world: World) -> World:
    """A world whose one host is provisioned and locked."""
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.live(11)
    assert world.host("edge-0").online
    return world


def ask(world: World, kind: RunKind) -> RunState:
    world.ask("edge-0", kind, None)
    world.settle()
    return world.run("edge-0").state


def change(world: World, **values: object) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), **values)


def reinstall(world: World) -> None:
    change(world, **decide(world.host("edge-0"), "reinstall").values)
    world.ask("edge-0", RunKind.REINSTALL, Event.PROVISION)


def alarm_ids(world: World) -> set[str]:
    return {key.split()[0] for key in world.standing()}


@pytest.mark.parametrize("kind", [RunKind.REBOOT, RunKind.RESET])
def test_a_host_that_boots_again_is_heard_again(locked: World, kind: RunKind) -> None:
    before = locked.boxes["edge-0"].boot_id
    assert ask(locked, kind) is RunState.SUCCEEDED
    assert locked.runner.calls[-1].tags == (kind.value,)
    locked.live(11)
    host = locked.host("edge-0")
    assert host.boot_id == locked.boxes["edge-0"].boot_id != before
    assert (host.state, host.online, host.task) == (HostState.LOCKED, True, None)


def test_a_host_that_was_switched_off_is_no_fault(locked: World) -> None:
    locked.clock.advance(7)  # some way into the heartbeat's period
    assert ask(locked, RunKind.POWER_OFF) is RunState.SUCCEEDED
    assert not locked.boxes["edge-0"].is_on
    seen = view(locked.host("edge-0"))
    assert (seen.availability, seen.task) == ("power-off", "")
    # What it said shortly before does not make it online again, now or later.
    for _ in range(8):
        locked.live(5)
        assert view(locked.host("edge-0")).availability == "power-off"
    assert alarm_ids(locked) == {"200.001"}
    assert locked.run("edge-0").kind is RunKind.POWER_OFF


def test_a_host_that_somebody_switched_on_is_online_by_itself(locked: World) -> None:
    ask(locked, RunKind.POWER_OFF)
    locked.power_on("edge-0")
    locked.live(11)
    host = locked.host("edge-0")
    assert (host.online, host.powered_off) == (True, False)
    assert view(host).availability == "online"


def test_a_host_that_only_seemed_off_is_online_before_long(locked: World) -> None:
    change(locked, powered_off=True, online=False)
    locked.live(5)
    assert view(locked.host("edge-0")).availability == "power-off"
    locked.live(40)
    assert view(locked.host("edge-0")).availability == "online"


def test_a_host_that_does_not_go_off_is_said_to_be_on(locked: World) -> None:
    locked.boxes["edge-0"].stays_on = True
    assert ask(locked, RunKind.POWER_OFF) is RunState.FAILED
    host = locked.host("edge-0")
    assert not host.powered_off
    assert (
        host.task == "Powering-off failed: power_off: it still a… see run-show edge-0"
    )


def test_a_host_that_is_away_is_not_switched(locked: World) -> None:
    locked.power_off("edge-0")
    assert ask(locked, RunKind.RESET) is RunState.FAILED
    assert locked.run("edge-0").error_code == "hummingbird.host.unreachable"
    assert locked.host("edge-0").task == "Resetting failed: the host is away"
    assert locked.host("edge-0").state is HostState.LOCKED


def test_a_reinstall_provisions_again_and_leaves_the_host_locked(
    locked: World,
) -> None:
    plays = len(locked.runner.calls)
    reinstall(locked)
    locked.reconcile("alarm")
    assert alarm_ids(locked) == {"200.001"}
    locked.settle()
    run, host = locked.run("edge-0"), locked.host("edge-0")
    assert (run.kind, run.state) == (RunKind.REINSTALL, RunState.SUCCEEDED), run
    assert host.state is HostState.LOCKED
    assert host.provisioned_plan is not None
    assert [call.playbook for call in locked.runner.calls[plays:]] == ["provision"]
    node = locked.cluster.node("edge-0")
    assert node is not None
    assert node.unschedulable
    assert node.labels["hummingbird.starlingx.io/administrative"] == "locked"
    assert view(host).install_state == "completed"
    locked.unlock("edge-0")
    locked.settle()
    assert locked.host("edge-0").state is HostState.ENABLED
    assert len(locked.runner.calls) == plays + 1


def test_a_reinstall_shows_how_far_it_is(locked: World) -> None:
    locked.runner.hold("edge-0", "images")
    reinstall(locked)
    crew = locked.crew
    assert crew is not None
    crew.take_queued()
    locked.runner.wait_until_held("edge-0", "images")
    seen = view(locked.host("edge-0"))
    assert (seen.install_state, seen.install_state_info) == ("installing", "6/11")
    assert (seen.task, seen.inv_state) == (
        "Reinstalling: kubernetes_node (6/11)",
        "reinstalling",
    )
    locked.runner.release("edge-0", "images")
    locked.settle()
    assert view(locked.host("edge-0")).install_state_info is None
