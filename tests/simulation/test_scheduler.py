# SPDX-License-Identifier: Apache-2.0
"""Virtual time: one thread at a time, the same order for the same seed, and what becomes of
processes that are killed or stopped."""

import queue
from collections.abc import Callable, Iterator

import pytest

from tests.simulation import threads
from tests.simulation.clock import MachineClock
from tests.simulation.pool import Queue, ThreadPoolExecutor
from tests.simulation.scheduler import (
    Killed,
    Machine,
    OutsideOfTime,
    Process,
    Scheduler,
    Trap,
)


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler(seed="test")
    threads.enter(made)
    yield made
    threads.leave()


def process_of(scheduler: Scheduler, name: str = "p") -> Process:
    return Process(name, Machine("machine", scheduler))


def test_time_goes_by_only_where_all_wait(scheduler: Scheduler) -> None:
    seen: list[tuple[str, float]] = []

    def live(name: str, seconds: float) -> Callable[[], None]:
        def steps() -> None:
            for _ in range(2):
                scheduler.park(seconds)
                seen.append((name, scheduler.now))

        return steps

    process = process_of(scheduler)
    scheduler.spawn(process, live("slow", 3.0), name="slow")
    scheduler.spawn(process, live("fast", 1.0), name="fast")
    scheduler.run(10.0)
    assert seen == [("fast", 1.0), ("fast", 2.0), ("slow", 3.0), ("slow", 6.0)]
    assert scheduler.now == 10.0


def order_of(seed: str) -> list[int]:
    scheduler = Scheduler(seed=seed)
    threads.enter(scheduler)
    try:
        process, seen = process_of(scheduler), list[int]()
        for number in range(20):
            scheduler.spawn(process, lambda n=number: seen.append(n), name="one")
        scheduler.run(1.0)
        return seen
    finally:
        threads.leave()


def test_who_is_first_of_many_is_up_to_the_seed() -> None:
    assert order_of("1") == order_of("1")
    assert order_of("1") != order_of("2")


def test_a_killed_process_ends_where_it_waits_and_does_no_more(
    scheduler: Scheduler,
) -> None:
    process, done = process_of(scheduler), list[str]()

    def work() -> None:
        try:
            scheduler.park(5.0)
            done.append("work")
        finally:
            with pytest.raises(Killed):
                scheduler.park(1.0)
            with pytest.raises(Killed):
                scheduler.pass_by("outside")

    scheduler.spawn(process, work, name="work")
    scheduler.at(2.0, lambda: scheduler.kill(process))
    scheduler.run(10.0)
    assert done == []
    assert scheduler.broken == []
    assert not process.tasks


def test_a_stopped_process_goes_on_where_it_was(scheduler: Scheduler) -> None:
    process, seen = process_of(scheduler), list[float]()

    def tick() -> None:
        while True:
            scheduler.park(1.0)
            seen.append(scheduler.now)

    scheduler.spawn(process, tick, name="tick")
    scheduler.at(2.5, lambda: scheduler.freeze(process))
    scheduler.at(10.25, lambda: scheduler.thaw(process))
    scheduler.run(11.5)
    assert seen == [1.0, 2.0, 10.25, 11.25]


@pytest.mark.parametrize("countdown", [0, 2])
def test_a_trap_springs_at_its_call_to_the_outside(
    scheduler: Scheduler, countdown: int
) -> None:
    process, done = process_of(scheduler), list[int]()

    def work() -> None:
        for number in range(5):
            scheduler.pass_by("database.commit")
            done.append(number)

    trap = Trap("database", countdown, lambda: scheduler.kill(process))
    process.traps.append(trap)
    scheduler.spawn(process, work, name="work")
    scheduler.run(1.0)
    assert done == list(range(countdown))
    assert not process.is_alive


def test_children_end_with_their_process_and_are_not_stopped_with_it(
    scheduler: Scheduler,
) -> None:
    parent, child = process_of(scheduler), process_of(scheduler, "child")
    parent.children.append(child)
    seen: list[float] = []

    def tick() -> None:
        while True:
            scheduler.park(1.0)
            seen.append(scheduler.now)

    scheduler.spawn(child, tick, name="tick")
    scheduler.freeze(parent)
    scheduler.at(2.5, lambda: scheduler.kill(parent))
    scheduler.run(5.0)
    assert seen == [1.0, 2.0]


def test_a_thread_that_ends_by_an_error_is_told_of(scheduler: Scheduler) -> None:
    def work() -> None:
        raise ValueError("no")

    scheduler.spawn(process_of(scheduler), work, name="work")
    scheduler.run(1.0)
    ((at, who, error),) = scheduler.broken
    assert (at, who, str(error)) == (0.0, "p: work", "no")


def test_a_step_of_the_wall_clock_leaves_the_monotonic_one_alone(
    scheduler: Scheduler,
) -> None:
    machine = Machine("m", scheduler)
    clock = MachineClock(machine)
    before = clock.monotonic()
    scheduler.run(10.0)
    machine.offset -= 3600.0
    assert clock.monotonic() - before == pytest.approx(10.0)
    assert (clock.now() - Machine("other", scheduler).now()).total_seconds() == -3600.0


def test_nobody_waits_in_the_middle_of_a_transaction(scheduler: Scheduler) -> None:
    def work() -> None:
        task = scheduler.current
        assert task is not None
        task.transactions += 1
        scheduler.park(1.0)

    scheduler.spawn(process_of(scheduler), work, name="work")
    scheduler.run(2.0)
    assert isinstance(scheduler.broken[0][2], AssertionError)


# --- what stands for threading and queue ------------------------------------------------


def run_in_process(scheduler: Scheduler, work: Callable[[], None]) -> None:
    scheduler.spawn(process_of(scheduler), work, name="test")
    scheduler.run(1000.0)
    assert not scheduler.broken, scheduler.broken


def test_an_event_wakes_those_who_wait_and_times_out(scheduler: Scheduler) -> None:
    seen: list[object] = []

    def work() -> None:
        event = threads.Event()
        thread = threads.Thread(target=lambda: seen.append(event.wait(5.0)))
        thread.start()
        seen.append(event.wait(2.0))
        event.set()
        thread.join()
        seen.append((scheduler.now, event.is_set()))

    run_in_process(scheduler, work)
    assert seen == [False, True, (2.0, True)]


def test_a_lock_lets_one_in_at_a_time(scheduler: Scheduler) -> None:
    seen: list[float] = []

    def work() -> None:
        lock = threads.Lock()

        def inside() -> None:
            with lock:
                scheduler.park(1.0)
                seen.append(scheduler.now)

        others = [threads.Thread(target=inside) for _ in range(3)]
        for one in others:
            one.start()
        scheduler.park(0.5)
        assert not lock.acquire(timeout=0.25)
        for one in others:
            one.join()

    run_in_process(scheduler, work)
    assert seen == [1.0, 2.0, 3.0]


def test_a_lock_that_may_be_taken_again_is_free_after_the_last(
    scheduler: Scheduler,
) -> None:
    def work() -> None:
        lock = threads.rlock()
        with lock, lock:
            thread = threads.Thread(target=lock.acquire)
            thread.start()
            scheduler.park(1.0)
            assert thread.is_alive()
        thread.join(1.0)
        assert not thread.is_alive()

    run_in_process(scheduler, work)


def test_a_queue_hands_over_in_order_and_times_out(scheduler: Scheduler) -> None:
    seen: list[int] = []

    def work() -> None:
        items = Queue(maxsize=2)

        def fill() -> None:
            for number in range(3):
                scheduler.park(1.0)
                items.put_nowait(number)

        threads.Thread(target=fill).start()
        for _ in range(3):
            seen.append(items.get(timeout=5.0))
        with pytest.raises(queue.Empty):
            items.get(timeout=1.0)
        items.put_nowait(1)
        items.put_nowait(2)
        with pytest.raises(queue.Full):
            items.put_nowait(3)

    run_in_process(scheduler, work)
    assert seen == [0, 1, 2]


def test_a_condition_lets_wait_for_what_another_thread_does(
    scheduler: Scheduler,
) -> None:
    def work() -> None:
        condition, done = threads.Condition(), list[int]()

        def other() -> None:
            scheduler.park(3.0)
            with condition:
                done.append(1)
                condition.notify_all()

        threads.Thread(target=other).start()
        with condition:
            assert not condition.wait_for(lambda: done, 1.0)
            assert condition.wait_for(lambda: done, 10.0)
        assert scheduler.now == 3.0

    run_in_process(scheduler, work)


def test_a_pool_has_so_many_workers_and_gives_results_in_order(
    scheduler: Scheduler,
) -> None:
    def square(number: int) -> int:
        scheduler.park(1.0)
        return number * number

    def work() -> None:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(square, [1, 2, 3, 4])) == [1, 4, 9, 16]
        assert scheduler.now == 2.0

    run_in_process(scheduler, work)


def test_outside_of_a_process_nobody_waits(scheduler: Scheduler) -> None:
    with pytest.raises(OutsideOfTime):
        threads.Event().wait(1.0)
    with pytest.raises(OutsideOfTime):
        scheduler.park(1.0)
