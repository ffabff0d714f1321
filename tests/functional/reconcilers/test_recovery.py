# SPDX-License-Identifier: Apache-2.0
"""Recovery acts on who answers, rung by rung, and on nobody else."""

from itertools import pairwise

import pytest

from hummingbird.clock import ManualClock
from hummingbird.db.repository import alarm as alarms
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import Run, RunKind, RunState
from tests.fakes.world import World


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.live(2)


def attempts(world: World) -> list[Run]:
    return world.runs("edge-0", RunKind.RECOVER)


def test_a_host_without_power_is_left_alone(world: World) -> None:
    world.power_off("edge-0")
    world.live(90)
    assert world.host("edge-0").state is HostState.LOST
    assert not attempts(world)


def test_services_that_hang_are_restarted(world: World) -> None:
    box = world.boxes["edge-0"]
    box.is_hung, box.revived_by = True, frozenset({"restart_services"})
    world.live(50)
    assert [(r.rung, r.state) for r in attempts(world)] == [
        ("restart_services", RunState.SUCCEEDED)
    ]
    assert attempts(world)[0].requested_by == "hummingbird"
    assert world.host("edge-0").state is HostState.ENABLED
    assert not world.standing()


def test_nothing_new_is_done_after_a_gateways_restart(world: World) -> None:
    world.power_off("edge-0")
    world.live(40)
    world.stop_gateway()
    world.live(10)
    world.boxes["edge-0"].is_on = True
    world.start_gateway()
    world.boxes["edge-0"].is_hung = True
    world.live(25)
    assert not attempts(world), "it is not known to be silent still"
    world.live(10)
    assert attempts(world)


def test_a_probe_is_made_no_more_often_than_it_may(world: World) -> None:
    world.power_off("edge-0")
    world.live(35)
    asked: list[float] = []

    def probe(address: str, *, port: int, timeout_seconds: float) -> bool:
        asked.append(world.clock.monotonic())
        return False

    world.controllers[0].reconciler("recovery")._probe = probe  # type: ignore[attr-defined]
    world.live(61)
    assert 3 <= len(asked) <= 5
    assert min(b - a for a, b in pairwise(asked)) >= 15


def test_a_ladder_at_its_end_is_an_alarm(world: World) -> None:
    world.boxes["edge-0"].is_hung = True
    world.live(40)
    for _ in range(60):
        world.clock.advance(14)
        world.live(1)
        if "200.004 host=edge-0" in world.standing():
            break
    assert [r.rung for r in attempts(world)] == ["restart_services", "reboot", "reboot"]
    assert world.standing()["200.004 host=edge-0"] == "critical"
    assert "Tried without success: restart_services, reboot, reboot." in reason(world)
    long_after(world, hours=1.2)
    assert len(attempts(world)) == 3, "what did not help is not done again each hour"
    assert world.standing()["200.004 host=edge-0"] == "critical"


def test_a_host_whose_heartbeats_are_blocked_is_not_restarted(world: World) -> None:
    world.boxes["edge-0"].udp_is_blocked = True
    world.live(60)
    long_after(world, hours=0.7)
    assert not attempts(world)
    assert world.standing()["200.004 host=edge-0"] == "critical"
    assert "Nothing was restarted: gateway udp blocked" in reason(world)
    set_once = [line for line in lines(world) if line == ("200.004", "set")]
    assert len(set_once) == 1, "a trace that is made again takes no alarm back"
    world.boxes["edge-0"].udp_is_blocked = False
    world.live(15)
    assert not world.standing()


def test_a_new_loss_is_not_judged_by_the_trace_of_the_one_before(world: World) -> None:
    box = world.boxes["edge-0"]
    box.udp_is_blocked = True
    world.live(60)
    box.udp_is_blocked = False
    world.live(15)
    box.is_hung = True
    world.live(60)
    assert [r.rung for r in attempts(world)] == ["restart_services"]


def long_after(world: World, *, hours: float) -> None:
    """Let hours pass, 20 s at a time, with a look at all after each."""
    for _ in range(int(hours * 180)):
        ManualClock.advance(world.time, 19)
        world.live(1)


def reason(world: World) -> str:
    with world.database.reader() as connection:
        stands = alarms.list_all(connection)
    return next(
        one.alarm.reason_text for one in stands if one.alarm.alarm_id == "200.004"
    )


def lines(world: World) -> list[tuple[str, str]]:
    with world.database.reader() as connection:
        found = connection.exec_driver_sql(
            "SELECT event_log_id, state FROM event_log ORDER BY id"
        )
        return [(row[0], row[1]) for row in found]


def test_a_lock_goes_before_recovery(world: World) -> None:
    world.boxes["edge-0"].is_hung = True
    world.clock.advance(40)
    world.reconcile("liveness", "recovery", "trace", "recovery")
    assert world.host("edge-0").state is HostState.RECOVERING
    lock = world.lock("edge-0")
    world.settle()
    assert attempts(world)[0].state is RunState.CANCELLED
    assert world.run(lock.uuid).state is RunState.SUCCEEDED
    assert world.host("edge-0").state is HostState.LOCKED


def test_a_host_that_comes_back_before_its_rung_is_not_touched(world: World) -> None:
    world.boxes["edge-0"].is_hung = True
    world.clock.advance(40)
    world.reconcile("liveness", "recovery", "trace", "recovery")
    world.boxes["edge-0"].is_hung = False
    calls = len(world.runner.calls)
    world.clock.advance(11)
    world.settle()
    run = attempts(world)[0]
    assert run.state is RunState.SUCCEEDED
    assert len(world.runner.calls) == calls
    assert world.steps(run) == [("restart_services", "skipped")]
    assert world.host("edge-0").state is HostState.ENABLED
