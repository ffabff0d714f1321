# SPDX-License-Identifier: Apache-2.0
"""Unlock: what a run does step by step, and how each way to fail is told."""

import base64
from dataclasses import replace

import pytest

from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import label as labels
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.provisioning import CERTIFICATE_VARIABLE, KEY_VARIABLE
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.ansible_runner import HOST_KEY, Outcome
from tests.fakes.world import World


def ended(world: World) -> tuple[RunState, str | None, HostState, str | None]:
    run, host = world.run("edge-0"), world.host("edge-0")
    return run.state, run.error_code, host.state, host.task


def test_the_first_unlock_pins_the_host_key_and_keeps_the_plan(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    host = world.host("edge-0")
    assert host.state is HostState.ENABLED
    assert host.known_hosts == HOST_KEY
    assert host.provisioned_plan and host.touched
    assert host.reservation_owner is None
    assert (host.task, host.action) == (None, None)
    call = world.runner.calls[0]
    assert call.playbook == "provision"
    assert call.variables["kubernetes_node_ip"] == "192.168.204.101"
    node = world.cluster.node("edge-0")
    assert node is not None
    assert node.labels["hummingbird.starlingx.io/edgeworker"] == "true"
    assert node.labels["topology.kubernetes.io/zone"] == "mn"


def test_its_labels_are_on_the_node_before_pods_may_come(world: World) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        labels.assign(connection, host, {"line": "3"}, overwrite=False)
    world.unlock("edge-0")
    world.settle()
    node = world.cluster.node("edge-0")
    assert node is not None
    assert node.labels["line"] == "3"
    assert node.annotations["hummingbird.starlingx.io/labels"] == "line"


def test_a_host_joins_by_a_certificate_of_its_own_name(world: World) -> None:
    world.add("edge-1", "192.168.204.102")
    for name in ("edge-0", "edge-1"):
        world.unlock(name)
    world.settle()
    keys = set()
    for name in ("edge-0", "edge-1"):
        (call,) = [call for call in world.runner.calls if call.hostname == name]
        shown = base64.b64decode(str(call.variables[CERTIFICATE_VARIABLE])).decode()
        assert world.cluster.identity_of(shown) == name
        keys.add(str(call.variables[KEY_VARIABLE]))
        said = [event.message for event in world.events(world.run(name))]
        assert not any(key in message for key in keys for message in said)
    assert len(keys) == 2


def test_a_certificate_that_nobody_signs_is_said_and_touches_nothing(
    world: World,
) -> None:
    world.cluster.signs = False
    world.unlock("edge-0")
    world.settle()
    run = world.run("edge-0")
    assert (run.state, run.error) == (
        RunState.FAILED,
        "run: Kubernetes has not signed the certificate for the join after 20 s",
    )
    assert world.host("edge-0").state is HostState.PROVISION_FAILED
    assert not world.runner.calls


def test_the_live_task_says_which_step_runs(world: World) -> None:
    world.runner.hold("edge-0", "container_runtime")
    world.unlock("edge-0")
    crew = world.start_conductor()
    crew.take_queued()
    world.runner.wait_until_held("edge-0", "container_runtime")
    host, run = world.host("edge-0"), world.run("edge-0")
    assert host.task == "Unlocking: node_config (2/11)"
    assert host.reservation_owner == crew.owner
    assert host.reservation_purpose == f"unlock run {run.uuid}"
    assert (run.state, run.changed) == (RunState.RUNNING, 1)
    world.runner.release("edge-0", "container_runtime")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED


def test_a_host_that_is_away_fails_the_run_cleanly(world: World) -> None:
    world.power_off("edge-0")
    world.unlock("edge-0")
    world.settle()
    assert ended(world) == (
        RunState.FAILED,
        "hummingbird.host.unreachable",
        HostState.PROVISION_FAILED,
        "Unlocking failed: the host is away",
    )
    assert not world.host("edge-0").touched
    assert not world.runner.calls
    assert world.steps(world.run("edge-0")) == [("connect", "failed")]


def test_a_step_that_fails_says_which_and_why(world: World) -> None:
    world.runner.script("provision", Outcome(fail_at="images", message="no space"))
    world.unlock("edge-0")
    world.settle()
    state, code, host_state, task = ended(world)
    assert (state, code) == (RunState.FAILED, "hummingbird.run.failed")
    assert host_state is HostState.PROVISION_FAILED
    assert task == "Unlocking failed: images: no space"
    assert world.run("edge-0").changed == 3
    assert world.steps(world.run("edge-0"))[-1] == ("images", "failed")
    assert world.host("edge-0").touched

    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED


def test_another_host_key_is_refused_by_name(world: World) -> None:
    world.runner.script("provision", Outcome(key_changed=True))
    world.unlock("edge-0")
    world.settle()
    assert ended(world)[1:3] == (
        "hummingbird.host.key_changed",
        HostState.PROVISION_FAILED,
    )


def test_a_host_without_agents_is_lost_and_the_run_says_so(world: World) -> None:
    world.boxes["edge-0"].is_hung = True
    world.unlock("edge-0")
    world.settle()
    run = world.run("edge-0")
    assert (run.state, run.error) == (
        RunState.FAILED,
        "heartbeat: no heartbeat came after 60 s",
    )
    assert world.host("edge-0").state is HostState.LOST
    assert world.host("edge-0").provisioned_plan


def test_kubernetes_away_is_said_and_touches_nothing(world: World) -> None:
    world.cluster.away = True
    world.unlock("edge-0")
    world.settle()
    assert ended(world)[:3] == (
        RunState.FAILED,
        "hummingbird.kubernetes.unavailable",
        HostState.PROVISION_FAILED,
    )
    assert not world.runner.calls


def test_a_changed_plan_is_played_again_an_unchanged_one_is_not(world: World) -> None:
    for release, plays in (("1", 1), ("1", 1), ("2", 2)):
        world.settings = replace(world.settings, release=release)
        world.unlock("edge-0")
        world.settle()
        assert world.host("edge-0").state is HostState.ENABLED
        assert len(world.runner.calls) == plays
        world.lock("edge-0")
        world.settle()


def test_a_node_object_that_somebody_deleted_comes_back(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.cluster.delete_node("edge-0")
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.runner.calls[-1].tags == ("restart_services",)


def test_the_node_object_of_a_host_installed_anew_is_deleted_first(
    world: World,
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    before = world.cluster.node("edge-0")
    world.cluster.set_ready("edge-0", False)
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), known_hosts=None)
    world.settings = replace(world.settings, sandbox_image="pause:later")
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    after = world.cluster.node("edge-0")
    assert before is not None and after is not None
    assert before.uid != after.uid


def test_a_cancelled_provisioning_ends_as_failed_and_can_be_resumed(
    world: World,
) -> None:
    world.runner.script("provision", Outcome(hangs_at="images"))
    world.runner.hold("edge-0", "kubernetes_node")
    world.unlock("edge-0")
    world.start_conductor().take_queued()
    world.runner.wait_until_held("edge-0", "kubernetes_node")
    world.cancel("edge-0")
    world.runner.release("edge-0", "kubernetes_node")
    world.settle()
    assert ended(world) == (
        RunState.CANCELLED,
        None,
        HostState.PROVISION_FAILED,
        "Unlocking failed: cancelled",
    )


def test_a_lock_overtakes_an_unlock_that_waits(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.boxes["edge-0"].is_hung = True
    unlock = world.unlock("edge-0")
    lock = world.lock("edge-0")
    world.settle()
    assert world.run(unlock.uuid).state is RunState.CANCELLED
    assert world.run(lock.uuid).state is RunState.SUCCEEDED
    assert world.host("edge-0").state is HostState.LOCKED


def test_runs_of_one_host_go_in_order_and_one_at_a_time(world: World) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.move(connection, host, Event.PROVISION, now=world.clock.now())
    first = world.ask("edge-0", RunKind.UNLOCK, None)
    second = world.ask("edge-0", RunKind.REBOOT, None)
    world.runner.hold("edge-0", "node_config")
    crew = world.start_conductor()
    assert crew.take_queued() == 1
    world.runner.wait_until_held("edge-0", "node_config")
    assert crew.take_queued() == 0
    assert world.run(second.uuid).state is RunState.QUEUED
    world.runner.release("edge-0", "node_config")
    world.settle()
    assert world.run(first.uuid).state is RunState.SUCCEEDED
    assert world.run(second.uuid).state is RunState.SUCCEEDED


@pytest.mark.parametrize("kind", [RunKind.UNLOCK, RunKind.RETIRE])
def test_a_run_whose_host_vanished_fails(world: World, kind: RunKind) -> None:
    run = world.ask("edge-0", kind, None)
    with world.database.writer() as connection:
        hosts.remove(connection, hosts.find(connection, "edge-0").id)
    world.settle()
    assert world.run(run.uuid).state is RunState.FAILED
    assert world.run(run.uuid).error_code == "hummingbird.host.not_found"
