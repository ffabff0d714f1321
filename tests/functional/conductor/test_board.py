# SPDX-License-Identifier: Apache-2.0
"""Power through a board: on, off, reset, and how each way to fail is told."""

import pytest

from hummingbird.adapters.bmc.board import Order, Power
from hummingbird.domain.host import view
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.boards import FakeBoard
from tests.fakes.world import World
from tests.fakes.world_board import install_board


@pytest.fixture
def board(world: World) -> FakeBoard:
    """The board of edge-0, which works its power; the host is on."""
    return install_board(world, "edge-0")


@pytest.fixture
def locked(world: World, board: FakeBoard) -> World:
    """A world whose one host has a board, is provisioned and locked."""
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.live(11)
    return world


def ask(world: World, kind: RunKind) -> RunState:
    world.ask("edge-0", kind, None)
    world.settle()
    return world.run("edge-0").state


def said(world: World) -> str:
    return " ".join(event.message for event in world.events(world.run("edge-0")))


def test_a_host_goes_off_in_good_order_and_comes_on_again(
    locked: World, board: FakeBoard
) -> None:
    plays = len(locked.runner.calls)
    assert ask(locked, RunKind.POWER_OFF) is RunState.SUCCEEDED
    assert board.orders == [Order.SHUTDOWN]
    assert view(locked.host("edge-0")).availability == "power-off"
    locked.live(60)
    assert set(locked.standing()) == {"200.001 host=edge-0"}
    assert ask(locked, RunKind.POWER_ON) is RunState.SUCCEEDED
    assert board.orders[1:] == [Order.ON]
    assert view(locked.host("edge-0")).availability == "online"
    steps = [step for step, _ in locked.steps(locked.run("edge-0"))]
    assert steps == ["connect", "power_on", "boot"]
    assert len(locked.runner.calls) == plays


def test_a_host_that_does_not_shut_down_has_its_power_cut(
    locked: World, board: FakeBoard
) -> None:
    board.heeds_shutdown = False
    assert ask(locked, RunKind.POWER_OFF) is RunState.SUCCEEDED
    assert board.orders == [Order.SHUTDOWN, Order.OFF]
    assert "its power is cut" in said(locked)


def test_a_reset_is_over_when_the_new_boot_is_heard(
    locked: World, board: FakeBoard
) -> None:
    before = locked.boxes["edge-0"].boot_id
    assert ask(locked, RunKind.RESET) is RunState.SUCCEEDED
    assert board.orders == [Order.RESET]
    assert locked.boxes["edge-0"].boot_id != before
    locked.live(11)
    host = locked.host("edge-0")
    assert (host.online, host.boot_id) == (True, locked.boxes["edge-0"].boot_id)


def test_a_reset_of_a_host_that_is_off_switches_it_on(
    locked: World, board: FakeBoard
) -> None:
    ask(locked, RunKind.POWER_OFF)
    board.orders.clear()
    assert ask(locked, RunKind.RESET) is RunState.SUCCEEDED
    assert board.orders == [Order.ON]


def test_a_host_that_has_power_but_is_not_heard_is_said(
    locked: World, board: FakeBoard
) -> None:
    locked.boxes["edge-0"].has_agents = False
    assert ask(locked, RunKind.RESET) is RunState.FAILED
    assert "no heartbeat came" in str(locked.run("edge-0").error)


def test_a_host_on_which_nothing_is_only_needs_power(
    world: World, board: FakeBoard
) -> None:
    board.power = Power.OFF
    world.power_off("edge-0")
    assert ask(world, RunKind.POWER_ON) is RunState.SUCCEEDED
    assert world.boxes["edge-0"].is_on
    assert ask(world, RunKind.POWER_ON) is RunState.SUCCEEDED
    assert board.orders == [Order.ON]


def test_the_first_contact_pins_the_certificate_and_another_is_refused(
    world: World, board: FakeBoard
) -> None:
    ask(world, RunKind.POWER_ON)
    assert world.host("edge-0").attributes["bm_fingerprint"] == board.certificate
    board.certificate = "cd" * 32
    assert ask(world, RunKind.POWER_OFF) is RunState.FAILED
    assert world.run("edge-0").error_code == "hummingbird.board.certificate_changed"
    assert board.orders == []


def test_a_board_that_takes_no_password_is_not_pinned(
    world: World, board: FakeBoard
) -> None:
    board.password = "another"
    assert ask(world, RunKind.POWER_OFF) is RunState.FAILED
    assert world.run("edge-0").error_code == "hummingbird.board.refused"
    assert "bm_fingerprint" not in world.host("edge-0").attributes
    assert view(world.host("edge-0")).availability == "offline"


def test_a_board_that_is_away_is_asked_for_a_while(
    world: World, board: FakeBoard
) -> None:
    board.is_away = True
    began = world.clock.monotonic()
    assert ask(world, RunKind.POWER_OFF) is RunState.FAILED
    assert world.run("edge-0").error_code == "hummingbird.board.unavailable"
    assert world.clock.monotonic() - began >= world.patience.connect
    assert "secret" not in said(world) + str(world.run("edge-0").error)


def test_a_power_on_without_a_board_any_more_is_refused(world: World) -> None:
    assert ask(world, RunKind.POWER_ON) is RunState.FAILED
    assert world.run("edge-0").error_code == "hummingbird.host.board_missing"
