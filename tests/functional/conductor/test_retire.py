# SPDX-License-Identifier: Apache-2.0
"""Delete: undone where the host answers, said where it does not, forgotten in any case."""

import pytest

from hummingbird.db.repository import heartbeat
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.ansible_runner import Outcome
from tests.fakes.world import World


@pytest.fixture(autouse=True)
def locked(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()


def test_a_host_that_answers_is_undone_and_its_address_is_free(world: World) -> None:
    with world.database.writer() as connection:
        session = heartbeat.open_session(
            connection,
            host_id=world.host("edge-0").id,
            agent="mtc-client",
            node_uid="n",
            pod_uid="p",
            expires_at=world.clock.now(),
        )
    run = world.delete("edge-0")
    world.settle()
    assert not world.exists("edge-0")
    assert world.run(run.uuid).state is RunState.SUCCEEDED
    assert [step for step, state in world.steps(run) if state == "done"] == [
        "drain",
        "node_object",
        "connect",
        "undo",
        "forget",
    ]
    with world.database.reader() as connection:
        assert heartbeat.find_session(connection, session) is None
    assert world.log()[-1] == "200.021 log edge-0 manual 'delete' request"
    world.boxes.clear()
    world.add("edge-9", "192.168.204.101")


def test_a_host_that_never_comes_back_is_forgotten_and_said_to_keep_its_things(
    world: World,
) -> None:
    world.power_off("edge-0")
    run = world.delete("edge-0")
    world.settle()
    assert not world.exists("edge-0")
    assert world.cluster.node("edge-0") is None
    assert ("undo", "skipped") in world.steps(run)
    assert any("keeps what was put on it" in line for line in world.log())
    assert all(call.playbook != "retire" for call in world.runner.calls)


def test_an_undo_that_fails_keeps_the_host_and_can_be_repeated(world: World) -> None:
    world.runner.script("retire", Outcome(fail_at="undo", message="dpkg is locked"))
    world.delete("edge-0")
    world.settle()
    host = world.host("edge-0")
    assert host.state is HostState.LOCKED
    assert host.task == "Deleting failed: undo: dpkg is locked"
    assert host.provisioned_plan is None, "an unlock must provision it again"
    world.delete("edge-0")
    world.settle()
    assert not world.exists("edge-0")


def test_a_locked_host_is_rebooted_on_request(world: World) -> None:
    boot_id = world.boxes["edge-0"].boot_id
    run = world.ask("edge-0", RunKind.REBOOT, None)
    world.settle()
    assert world.run(run.uuid).state is RunState.SUCCEEDED
    assert world.runner.calls[-1].tags == ("reboot",)
    assert world.boxes["edge-0"].boot_id != boot_id
    assert world.host("edge-0").state is HostState.LOCKED


def test_a_reboot_that_fails_leaves_the_host_locked_and_says_why(world: World) -> None:
    world.power_off("edge-0")
    run = world.ask("edge-0", RunKind.REBOOT, None)
    world.settle()
    assert world.run(run.uuid).state is RunState.FAILED
    host = world.host("edge-0")
    assert host.state is HostState.LOCKED
    assert host.task == "Rebooting failed: the host is away"
