# SPDX-License-Identifier: Apache-2.0
"""A conductor that ends anywhere in a run that boots a host: the next one finishes it, the
host boots once, and the run says what happened."""

from collections.abc import Callable
from typing import Any

import pytest

from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.adapters.bmc.board import Order
from hummingbird.conductor.interrupt import Interrupted, Reason
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.boards import FakeBoard
from tests.fakes.world import World
from tests.fakes.world_board import install_board

SIGTERM, DEATH = "SIGTERM", "SIGKILL or a lost lease"


class Stop:
    """Ends the conductor at its n-th word to a host or a board, before or after that
    one took effect."""

    def __init__(self, world: World, *, at: int, before: bool, by: str) -> None:
        self._world = world
        self._at, self._before, self._by = at, before, by
        self.words = 0
        self.has_come = False
        world.runner.run = self._around(world.runner.run)  # type: ignore[method-assign]
        world.boards.order = self._around(world.boards.order)  # type: ignore[method-assign]

    def _around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*args: Any, **options: Any) -> Any:
            number, self.words = self.words, self.words + 1
            if number != self._at or self.has_come:
                return act(*args, **options)
            answer = None if self._before else act(*args, **options)
            self.has_come = True
            return self._end(answer, options)

        return acted

    def _end(self, answer: Any, options: dict[str, Any]) -> Any:
        crew = self._world.crew
        assert crew is not None
        if self._by == SIGTERM:
            crew.stopping.set()
            if "should_cancel" not in options:
                return answer
            assert options["should_cancel"]()
            return PlaybookResult(status="cancelled", message="cancelled")
        # What a dead process leaves: the run is its own, and nobody writes more.
        crew.fenced.set()
        raise Interrupted(Reason.FENCED)


CASES = [
    # kind, with a board, words to the host or its board
    (RunKind.REBOOT, False, 2),
    (RunKind.RESET, False, 2),
    (RunKind.RESET, True, 1),
    (RunKind.POWER_ON, True, 1),
    (RunKind.POWER_OFF, False, 2),
    (RunKind.POWER_OFF, True, 1),
]
POINTS = [
    pytest.param(kind, board, at, before, by, id=f"{kind}-{board}-{at}-{before}-{by}")
    for kind, board, words in CASES
    for at in range(words)
    for before in (True, False)
    for by in (SIGTERM, DEATH)
]


@pytest.fixture
def locked(world: World) -> World:
    """A world whose one host is provisioned and locked."""
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.live(11)
    return world


def give_up_and_go_on(world: World, stop: Stop) -> None:
    """Let the conductor that is told to stop end, and another begin."""
    crew = world.start_conductor()
    crew.take_queued()
    while crew.in_hand():
        pass
    assert stop.has_come
    world.start_conductor()
    world.settle()


@pytest.mark.parametrize(("kind", "with_board", "at", "before", "by"), POINTS)
def test_what_cannot_be_repeated_is_done_once(
    locked: World, kind: RunKind, with_board: bool, at: int, before: bool, by: str
) -> None:
    board = install_board(locked, "edge-0") if with_board else None
    box = locked.boxes["edge-0"]
    if kind is RunKind.POWER_ON:
        locked.ask("edge-0", RunKind.POWER_OFF, None)
        locked.settle()
        assert board is not None
        board.orders.clear()
    boots = box.boots
    stop = Stop(locked, at=at, before=before, by=by)
    run = locked.ask("edge-0", kind, None)
    give_up_and_go_on(locked, stop)
    ended = locked.run(run.uuid)
    assert ended.state is RunState.SUCCEEDED, (ended, locked.events(run))
    assert box.boots - boots == (0 if kind is RunKind.POWER_OFF else 1)
    assert box.is_on is (kind is not RunKind.POWER_OFF)
    assert orders(board) in ([], [ORDER_OF[kind]])


ORDER_OF = {
    RunKind.REBOOT: None,
    RunKind.RESET: Order.RESET,
    RunKind.POWER_ON: Order.ON,
    RunKind.POWER_OFF: Order.SHUTDOWN,
}


def orders(board: FakeBoard | None) -> list[Order]:
    return [] if board is None else board.orders


@pytest.mark.parametrize("by", [SIGTERM, DEATH])
@pytest.mark.parametrize("before", [True, False])
def test_a_reset_of_a_host_that_says_nothing_is_not_called_done(
    locked: World, before: bool, by: str
) -> None:
    board = install_board(locked, "edge-0")
    locked.boxes["edge-0"].is_hung = True
    stop = Stop(locked, at=0, before=before, by=by)
    run = locked.ask("edge-0", RunKind.RESET, None)
    give_up_and_go_on(locked, stop)
    ended = locked.run(run.uuid)
    assert ended.state is RunState.FAILED
    assert "can't be told" in str(ended.error)
    assert board.orders == ([] if before else [Order.RESET])


@pytest.mark.parametrize("by", [SIGTERM, DEATH])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", [0, 1])
def test_recovery_reboots_a_host_once_a_run(
    world: World, at: int, before: bool, by: str
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.live(2)
    box = world.boxes["edge-0"]
    box.is_hung, box.revived_by = True, frozenset({"reboot"})
    while world.run("edge-0").rung != "reboot":
        world.clock.advance(5)
        world.reconcile()
        if world.run("edge-0").rung == "reboot":
            break
        world.settle()
    run, boots = world.run("edge-0"), box.boots
    stop = Stop(world, at=at, before=before, by=by)
    give_up_and_go_on(world, stop)
    ended = world.run(run.uuid)
    assert ended.state is RunState.SUCCEEDED, (ended, world.events(run))
    assert box.boots - boots == 1
