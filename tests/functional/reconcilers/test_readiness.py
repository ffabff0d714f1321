# SPDX-License-Identifier: Apache-2.0
"""A host that is heard and not Ready is helped by a restart of its services, after a trace;
not where Kubernetes itself is what is ill."""

import pytest

from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import run as runs
from hummingbird.db.repository import trace as traces
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind
from tests.fakes.world import World

NAMES = ("edge-0", "edge-1", "edge-2")
NOT_READY = {"200.006 host=edge-0.process=kubelet": "major"}
KUBERNETES = "850.002 kubernetes=k8s-health-check-failed"


@pytest.fixture(autouse=True)
def three(world: World) -> None:
    """Three hosts in service."""
    world.unlock("edge-0")
    world.settle()
    for number, name in enumerate(NAMES[1:], start=102):
        world.in_service(name, f"192.168.204.{number}")


def live(world: World, seconds: float) -> None:
    """Let time pass, with all that looks at nodes each ten seconds."""
    for _ in range(int(seconds / 10)):
        world.clock.advance(10)
        world.reconcile("node", "liveness", "readiness", "trace", "readiness", "alarm")
        world.settle()


def recoveries(world: World, name: str = "edge-0") -> list[str]:
    with world.database.reader() as connection:
        found = runs.list_all(connection, hostname=name, kind=RunKind.RECOVER)
    return [f"{one.rung} {one.state}" for one in reversed(found)]


def restarts(world: World) -> int:
    return sum(call.tags == ("restart_services",) for call in world.runner.calls)


def reason(world: World) -> str:
    with world.database.reader() as connection:
        stands = alarms.list_all(connection)
    (one,) = [one for one in stands if one.alarm.alarm_id == "200.006"]
    return one.alarm.reason_text


def test_its_services_are_restarted_once_it_has_lasted_and_was_traced(
    world: World,
) -> None:
    world.cluster.set_ready("edge-0", False)
    live(world, 280)
    assert (recoveries(world), world.standing()) == ([], NOT_READY)
    live(world, 60)
    assert [one.partition(" ")[0] for one in recoveries(world)] == ["restart_services"]
    with world.database.reader() as connection:
        assert traces.of_host(connection, world.host("edge-0").id) is not None
    assert world.host("edge-0").state is HostState.DEGRADED, "it is in service still"
    assert world.host("edge-0").reservation_owner is None
    world.cluster.set_ready("edge-0", True)
    live(world, 60)
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.host("edge-0").task is None
    assert world.standing() == {}
    assert restarts(world) == 1


def test_it_is_never_rebooted_and_a_person_is_asked_for(world: World) -> None:
    world.cluster.set_ready("edge-0", False)
    live(world, 300)
    assert reason(world).endswith("Auto recovery of this major process is in progress.")
    live(world, 2400)
    assert recoveries(world) == ["restart_services failed"] * 2
    assert world.standing() == NOT_READY
    assert reason(world) == (
        "edge-0 is degraded due to the failure of its 'kubelet' process. "
        "Manual recovery is required."
    )


def test_while_many_nodes_are_not_ready_nobody_is_helped_and_one_alarm_stands(
    world: World,
) -> None:
    """Their network plugin is ill: the kubelets say so each."""
    for name in NAMES:
        world.cluster.set_ready(name, False)
    live(world, 900)
    assert [recoveries(world, name) for name in NAMES] == [[], [], []]
    assert world.standing() == {KUBERNETES: "major"}
    for name in NAMES[1:]:
        world.cluster.set_ready(name, True)
    live(world, 60)
    assert world.standing() == NOT_READY
    assert recoveries(world) == [], "its time begins when it is alone"


def test_while_kubernetes_hears_no_kubelets_nobody_is_helped(world: World) -> None:
    world.cluster.set_ready("edge-0", False)
    live(world, 60)
    for name in NAMES:
        world.cluster.silence(name)
    live(world, 900)
    assert [recoveries(world, name) for name in NAMES] == [[], [], []]
    assert KUBERNETES in world.standing()
    world.cluster.away = True
    live(world, 400)
    assert recoveries(world) == []


def test_a_step_of_the_wall_clock_helps_nobody(world: World) -> None:
    world.cluster.set_ready("edge-0", False)
    live(world, 60)
    world.clock.step(3600)
    live(world, 60)
    assert recoveries(world) == []
