# SPDX-License-Identifier: Apache-2.0
"""Recovery by the board management controller: after all else, and where nothing answers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hummingbird.adapters.bmc.board import Order, Power
from hummingbird.conductor.neighbours import Patience
from hummingbird.db.repository import heartbeat
from hummingbird.domain.host_state import HostState
from hummingbird.domain.recovery import Limits
from hummingbird.domain.run import Run, RunKind, RunState
from hummingbird.evaluation.recovery_ladder import Ladder
from tests.fakes.boards import FakeBoard
from tests.fakes.world import PATIENCE, World
from tests.fakes.world_board import install_board


@pytest.fixture
def patience() -> Patience:
    """A host that boots quickly, or not at all."""
    return replace(PATIENCE, boot=60.0)


@pytest.fixture
def board(world: World) -> FakeBoard:
    """The board of edge-0, which is in service."""
    board = install_board(world, "edge-0", cures=True)
    world.unlock("edge-0")
    world.settle()
    world.live(2)
    return board


def attempts(world: World) -> list[Run]:
    return world.runs("edge-0", RunKind.RECOVER)


def pass_time(world: World, seconds: float) -> None:
    for _ in range(int(seconds / 30)):
        world.clock.advance(29)
        world.live(1)
        world.settle()


def test_a_host_that_nothing_else_brings_back_is_reset_by_its_board(
    world: World, board: FakeBoard
) -> None:
    world.boxes["edge-0"].is_hung = True
    world.live(40)
    pass_time(world, 900)
    assert [(run.rung, run.state) for run in attempts(world)] == [
        ("restart_services", RunState.FAILED),
        ("reboot", RunState.FAILED),
        ("board_reset", RunState.SUCCEEDED),
    ]
    assert board.orders == [Order.RESET]
    assert world.host("edge-0").state is HostState.ENABLED
    assert not world.standing()


def test_a_host_that_does_not_even_answer_is_switched_on_by_its_board(
    world: World, board: FakeBoard
) -> None:
    world.power_off("edge-0")
    board.power = Power.OFF
    with world.database.reader() as connection:
        heard = heartbeat.of_host(connection, world.host("edge-0").id)
    world.live(40)
    pass_time(world, 330)
    assert [(run.rung, run.state) for run in attempts(world)] == [
        ("board_reset", RunState.SUCCEEDED)
    ]
    assert heard is not None
    after = attempts(world)[0].queued_at - heard.last_heard_at
    assert after >= timedelta(minutes=5)
    steps = [step for step, _ in world.steps(attempts(world)[0])]
    assert steps == ["connect", "board_reset", "heartbeat"]
    assert board.orders == [Order.ON]
    assert world.host("edge-0").state is HostState.ENABLED


def test_a_host_that_stays_away_is_reset_once(world: World, board: FakeBoard) -> None:
    board.on_power = lambda on: None
    world.power_off("edge-0")
    world.live(40)
    pass_time(world, 1500)
    assert [(run.rung, run.state) for run in attempts(world)] == [
        ("board_reset", RunState.FAILED)
    ]
    assert board.orders == [Order.RESET]
    assert world.host("edge-0").state is HostState.LOST


def test_a_board_that_is_away_too_fails_the_run_and_says_so(
    world: World, board: FakeBoard
) -> None:
    world.power_off("edge-0")
    board.is_away = True
    world.live(40)
    pass_time(world, 420)
    (run,) = attempts(world)
    assert run.state is RunState.FAILED
    assert run.error_code == "hummingbird.board.unavailable"
    assert world.host("edge-0").state is HostState.LOST


def test_where_it_is_switched_off_no_board_is_asked(
    world: World, board: FakeBoard
) -> None:
    reconciler = world.controllers[0].reconciler("recovery")
    reconciler._ladder = Ladder(Limits(), enabled=True, by_board=False)  # type: ignore[attr-defined]
    world.power_off("edge-0")
    world.live(40)
    pass_time(world, 420)
    assert not attempts(world)
    assert not board.orders
