# SPDX-License-Identifier: Apache-2.0
"""One host's whole life, in one process: added, provisioned, heard, lost, recovered,
locked, retired."""

from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.world import World

ADDRESS = "192.168.204.101"
LOST = "200.005 host=edge-0.network=Management"


def test_a_host_lives_from_add_to_delete(world: World) -> None:
    world.add("edge-0", ADDRESS)
    run = world.unlock("edge-0")
    world.settle()

    assert world.host("edge-0").state is HostState.ENABLED
    assert world.run(run.uuid).state is RunState.SUCCEEDED
    assert world.run(run.uuid).changed == 5
    assert [step for step, state in world.steps(run) if state == "done"] == [
        "connect",
        "node_config",
        "container_runtime",
        "kubernetes_node",
        "images",
        "agents",
        "node_ready",
        "agents_ready",
        "heartbeat",
    ]
    assert not world.standing()

    world.live(30)
    assert world.host("edge-0").online
    world.power_off("edge-0")
    world.live(24)
    assert world.host("edge-0").state is HostState.DEGRADED
    assert world.standing() == {LOST: "major"}
    world.live(11)
    assert world.host("edge-0").state is HostState.LOST
    assert world.standing() == {LOST: "critical"}

    world.power_on("edge-0")
    world.live(30)
    assert world.host("edge-0").state is HostState.ENABLED
    assert not world.standing()

    world.lock("edge-0")
    world.settle()
    world.reconcile()
    assert world.host("edge-0").state is HostState.LOCKED
    assert world.standing() == {"200.001 host=edge-0": "warning"}
    node = world.cluster.node("edge-0")
    assert node is not None and node.unschedulable

    again = world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.run(again.uuid).changed is None, "nothing was played a second time"

    world.lock("edge-0")
    world.settle()
    retired = world.delete("edge-0")
    world.settle()
    world.reconcile()
    assert not world.exists("edge-0")
    assert world.run(retired.uuid).state is RunState.SUCCEEDED
    assert world.cluster.node("edge-0") is None
    assert world.runner.calls[-1].playbook == "retire"
    assert not world.standing()


def test_the_event_log_tells_the_story_in_order(world: World) -> None:
    world.in_service("edge-0", ADDRESS)
    world.live(5)
    world.power_off("edge-0")
    world.live(40)
    world.power_on("edge-0")
    world.live(40)

    told = [line for line in world.log() if "edge-0" in line]
    assert [[*line.split(" ", 2)[:2], line.split()[-1]] for line in told] == [
        ["200.022", "log", "'enabled'"],
        ["200.005", "set", "threshold."],
        ["200.022", "log", "'disabled'"],
        ["200.022", "log", "'offline'"],
        ["200.005", "set", "failure."],
        ["200.022", "log", "'enabled'"],
        ["200.022", "log", "'online'"],
        ["200.005", "clear", "failure."],
    ]


def test_a_hung_host_is_recovered_rung_by_rung(world: World) -> None:
    world.in_service("edge-0", ADDRESS)
    box = world.boxes["edge-0"]
    box.is_hung, box.revived_by = True, frozenset({"reboot"})
    world.live(40)
    assert world.host("edge-0").state is HostState.LOST
    world.live(240)

    tried = world.runs("edge-0", RunKind.RECOVER)
    assert [(run.rung, run.state) for run in tried] == [
        ("restart_services", RunState.FAILED),
        ("reboot", RunState.SUCCEEDED),
    ]
    assert world.host("edge-0").state is HostState.ENABLED
    assert not world.standing()
