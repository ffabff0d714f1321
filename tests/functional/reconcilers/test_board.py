# SPDX-License-Identifier: Apache-2.0
"""A board that lets nobody in is an alarm, 200.010, until it does again."""

import threading
import time

import pytest

from hummingbird.adapters.bmc.board import BoardAccess, Boards, Order, Power
from hummingbird.db.repository import condition
from hummingbird.db.repository import host as hosts
from hummingbird.domain.condition import POWERED, shown
from hummingbird.domain.run import RunKind, RunState
from hummingbird.reconcilers.fleet.board import BoardReconciler
from tests.fakes.boards import FakeBoard
from tests.fakes.world import World

ADDRESS = "10.9.0.7"
ALARM = "200.010 host=edge-0"
CHECK_SECONDS = 300.0


def settings(world: World, name: str = "edge-0", **changed: object) -> None:
    attributes = {
        "bm_type": "redfish",
        "bm_ip": ADDRESS,
        "bm_username": "admin",
        "bm_password_sealed": world.box_of_secrets.seal("secret"),
    } | changed
    with world.database.writer() as connection:
        host = hosts.find(connection, name)
        hosts.change(connection, host, now=world.clock.now(), attributes=attributes)


@pytest.fixture
def board(world: World) -> FakeBoard:
    """The board of edge-0, pinned and seen to answer."""
    board = world.boards.add(ADDRESS, power=Power.ON)
    settings(world, bm_fingerprint=board.certificate)
    look(world)
    return board


def look(world: World, *, after: float = 0.0) -> None:
    """Let time pass, ten seconds at a time, with all that looks at boards."""
    for _ in range(int(after / 10)):
        world.clock.advance(10)
        world.reconcile("board", "alarm")
    world.reconcile("board", "alarm")


def test_a_board_that_answers_is_no_alarm(world: World, board: FakeBoard) -> None:
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {}


def test_a_board_that_is_away_is_a_warning_until_it_is_back(
    world: World, board: FakeBoard
) -> None:
    board.is_away = True
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {ALARM: "warning"}
    said = world.driver.run_once("board").outcome.failed
    assert ["no route to host" in one for one in said] == [True]
    board.is_away = False
    look(world, after=40)
    assert world.standing() == {}


def powered(world: World) -> tuple[str, str, str]:
    host = world.host("edge-0")
    with world.database.reader() as connection:
        found = shown(host, condition.of_host(connection, host.id))
    (one,) = [one for one in found if one.type == POWERED]
    return one.status.value, one.reason, one.observer


def test_whether_a_host_has_power_is_what_its_board_says(
    world: World, board: FakeBoard
) -> None:
    observer = "controller-0.conductor"
    assert powered(world) == ("True", "BoardSaysOn", observer)
    board.power = Power.OFF
    look(world, after=CHECK_SECONDS)
    assert powered(world) == ("False", "BoardSaysOff", observer)
    board.is_away = True
    look(world, after=CHECK_SECONDS)
    assert powered(world) == ("Unknown", "BoardAway", observer)
    settings(world, bm_ip=None)
    assert powered(world)[:2] == ("Unknown", "NoBoard")


def test_one_question_that_is_lost_is_nothing(world: World, board: FakeBoard) -> None:
    look(world, after=CHECK_SECONDS - 10)
    board.is_away = True
    look(world, after=20)
    board.is_away = False
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {}


@pytest.mark.parametrize("what", ["password", "certificate"])
def test_a_board_that_lets_us_not_in_is_as_bad_as_one_that_is_away(
    world: World, board: FakeBoard, what: str
) -> None:
    setattr(board, what, "other")
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {ALARM: "warning"}


def test_a_password_that_is_put_right_clears_it(world: World, board: FakeBoard) -> None:
    board.password = "other"
    look(world, after=2 * CHECK_SECONDS)
    settings(
        world,
        bm_fingerprint=board.certificate,
        bm_password_sealed=world.box_of_secrets.seal("other"),
    )
    look(world, after=40)
    assert world.standing() == {}


def test_a_host_that_loses_its_board_has_no_alarm_of_it(
    world: World, board: FakeBoard
) -> None:
    board.is_away = True
    look(world, after=2 * CHECK_SECONDS)
    settings(world, bm_type="none", bm_ip=None)
    look(world, after=10)
    assert world.standing() == {}


def test_one_that_answers_another_conductor_is_not_away(
    world: World, board: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut:
        """Boards as a conductor sees them that has no way to them."""

        def __getattr__(self, name: str) -> object:
            def call(access: BoardAccess, *_arguments: object) -> object:
                board.is_away = True
                try:
                    return getattr(world.boards, name)(access)
                finally:
                    board.is_away = False

            return call

    other = BoardReconciler(
        world.database,
        clock=world.clock,
        boards=Cut(),  # type: ignore[arg-type]
        box=world.box_of_secrets,
        check_seconds=CHECK_SECONDS,
        period_seconds=10.0,
        observer="controller-1.conductor",
    )
    for _ in range(100):
        world.clock.advance(10)
        other.reconcile()
        world.reconcile("board", "alarm")
        assert world.standing() == {}


def test_a_password_is_not_sent_where_nothing_is_pinned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = world.boards.add(ADDRESS, power=Power.ON, password="other")
    settings(world)
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {}, "nobody was asked for it yet"
    board.is_away = True
    look(world, after=2 * CHECK_SECONDS)
    assert world.standing() == {ALARM: "warning"}


def test_a_power_action_that_finds_it_away_says_so_at_once(
    world: World, board: FakeBoard
) -> None:
    board.is_away = True
    world.ask("edge-0", RunKind.POWER_ON, None)
    world.settle()
    assert world.run("edge-0").state is RunState.FAILED
    world.reconcile("alarm")
    assert world.standing() == {ALARM: "warning"}
    board.is_away = False
    world.ask("edge-0", RunKind.POWER_ON, None)
    world.settle()
    assert world.run("edge-0").state is RunState.SUCCEEDED
    world.reconcile("alarm")
    assert world.standing() == {}


class Lagging:
    """The world's boards, of which some answer only when they are let."""

    def __init__(self, boards: Boards, *addresses: str) -> None:
        self._boards = boards
        self._addresses = addresses
        self.let = threading.Event()
        self.asked: list[str] = []

    def fingerprint(self, access: BoardAccess) -> str | None:
        return self._boards.fingerprint(access)

    def power(self, access: BoardAccess) -> Power:
        self.asked.append(access.address)
        if access.address in self._addresses:
            self.let.wait()
        return self._boards.power(access)

    def order(self, access: BoardAccess, order: Order) -> None:
        self._boards.order(access, order)


def test_boards_that_lag_hold_up_no_other_and_are_not_asked_again(
    world: World,
) -> None:
    """One that drips its answer until its deadline, beside one that is honest."""
    world.add("edge-1", "192.168.204.102")
    lagging = world.boards.add("10.9.0.8", power=Power.ON)
    honest = world.boards.add(ADDRESS, power=Power.ON)
    settings(world, bm_fingerprint=honest.certificate)
    settings(world, "edge-1", bm_ip="10.9.0.8", bm_fingerprint=lagging.certificate)
    boards = Lagging(world.boards, "10.9.0.8")
    reconciler = BoardReconciler(
        world.database,
        clock=world.clock,
        boards=boards,
        box=world.box_of_secrets,
        check_seconds=CHECK_SECONDS,
        period_seconds=10,
        observer="controller-0.conductor",
        wait_seconds=0.2,
    )
    try:
        for times in range(1, 4):
            deadline = time.monotonic() + 60
            while boards.asked.count(ADDRESS) < times:
                assert time.monotonic() < deadline, "an honest board is not asked"
                reconciler.reconcile()
            reconciler.reconcile()
            world.clock.advance(CHECK_SECONDS + 1)
        assert boards.asked.count("10.9.0.8") == 1
        assert powered(world)[:2] == ("True", "BoardSaysOn")
    finally:
        boards.let.set()
    deadline = time.monotonic() + 60
    while boards.asked.count("10.9.0.8") < 2:
        assert time.monotonic() < deadline, "it is not asked again once it has ended"
        reconciler.reconcile()
        world.clock.advance(CHECK_SECONDS + 1)
