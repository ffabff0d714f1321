# SPDX-License-Identifier: Apache-2.0
"""The service with its own threads: it works, it stops, it is fenced."""

import threading
import time
from collections.abc import Callable

import pytest

from hummingbird.clock import SystemClock
from hummingbird.conductor.service import ConductorService
from hummingbird.db.repository import process
from hummingbird.domain.run import RunState
from hummingbird.reconcilers.driver import Driver
from tests.fakes.world import World


@pytest.fixture
def world(world_on_each: World) -> World:
    """Who holds a run is decided by transactions."""
    return world_on_each


def service(world: World) -> ConductorService:
    return ConductorService(
        world.neighbours,
        name="controller-0.conductor",
        workers=2,
        poll_seconds=0.01,
        lease_seconds=300.0,
        max_attempts=3,
    )


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def no_reconcilers() -> Driver:
    return Driver([], clock=SystemClock())


class HastyClock(SystemClock):
    """Tells the real time, and wakes early: a lease of minutes is renewed at once.

    A short lease would do as well, and be lost wherever the machine is busy for as long.
    """

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        return super().wait(event, seconds=min(seconds, 0.05))


def real_time(world: World) -> None:
    """Have the service's own waits take real time; the boxes are not needed."""
    object.__setattr__(world.neighbours, "clock", HastyClock())


def test_it_takes_what_is_queued_and_gives_back_what_it_can_not_finish(
    world: World,
) -> None:
    real_time(world)
    world.runner.hold("edge-0", "images")
    run = world.unlock("edge-0")
    conductor = service(world)
    conductor.start(no_reconcilers())
    world.runner.wait_until_held("edge-0", "images")
    owner, in_hand = conductor.in_hand()
    assert in_hand == {run.id}
    assert world.host("edge-0").reservation_owner == owner
    conductor.stop()
    assert world.run(run.uuid).state is RunState.QUEUED
    assert world.host("edge-0").reservation_owner is None
    with world.database.reader() as connection:
        assert not process.list_all(connection, kind="conductor")
    conductor.stop()


def test_it_drops_everything_when_another_has_its_name(world: World) -> None:
    real_time(world)
    world.runner.hold("edge-0", "images")
    run = world.unlock("edge-0")
    first = service(world)
    first.start(no_reconcilers())
    world.runner.wait_until_held("edge-0", "images")
    second = service(world)
    second._workers = 0
    second.start(no_reconcilers())
    try:
        wait(first.ended.is_set)
        assert world.run(run.uuid).state is RunState.QUEUED
        assert world.run(run.uuid).attempt == 2
        first.stop()
        with world.database.reader() as connection:
            alive = process.list_all(connection, kind="conductor")
        assert len(alive) == 1, "the goodbye of the first is not the second's"
    finally:
        second.stop()
