# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for `queue` and `concurrent.futures`, in virtual time."""

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, Final, Self

from tests.simulation.scheduler import OutsideOfTime, Task
from tests.simulation.threads import Event, Semaphore, Thread, active, current_task


class Queue:
    """queue.Queue and SimpleQueue."""

    def __init__(self, maxsize: int = 0) -> None:
        self.maxsize = maxsize
        self._items: deque[Any] = deque()
        self._getting: deque[Task] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if self.full():
            # Nothing of ours waits for room: whoever has none drops.
            raise queue.Full
        self._items.append(item)
        if self._getting:
            active().wake(self._getting[0])

    def put_nowait(self, item: Any) -> None:
        self.put(item, block=False)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not self._items and block:
            scheduler, task = active(), current_task()
            if task is None:
                raise OutsideOfTime("nobody can wait here")
            deadline = None if timeout is None else scheduler.now + timeout
            self._getting.append(task)
            try:
                while not self._items:
                    left = None if deadline is None else deadline - scheduler.now
                    if left is not None and left <= 0:
                        break
                    scheduler.park(left)
            finally:
                self._getting.remove(task)
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def empty(self) -> bool:
        return not self._items

    def full(self) -> bool:
        return 0 < self.maxsize <= len(self._items)

    def qsize(self) -> int:
        return len(self._items)


class Future:
    """What a pool's thread will have found."""

    def __init__(self) -> None:
        self._done = Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def result(self, timeout: float | None = None) -> Any:
        self._done.wait(timeout)
        if self._error is not None:
            raise self._error
        return self._value

    def work(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            self._value = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error
        self._done.set()


class ThreadPoolExecutor:
    """concurrent.futures.ThreadPoolExecutor."""

    def __init__(self, max_workers: int | None = None, *_: Any, **__: Any) -> None:
        self._room = Semaphore(max_workers or 4)
        self._threads: list[Thread] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kw: Any) -> Future:
        future = Future()

        def work() -> None:
            with self._room:
                future.work(function, *args, **kw)

        thread = Thread(target=work, name="pool")
        self._threads.append(thread)
        thread.start()
        return future

    def map(
        self, function: Callable[..., Any], *iterables: Iterable[Any]
    ) -> Iterator[Any]:
        futures = [
            self.submit(function, *args) for args in zip(*iterables, strict=False)
        ]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if wait:
            for thread in self._threads:
                thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


QUEUE: Final = SimpleNamespace(
    Queue=Queue, SimpleQueue=Queue, Empty=queue.Empty, Full=queue.Full
)
