# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for `threading` and `time`, in virtual time.

They do what the real ones promise, for as much of it as the product uses, and take the
simulation that runs from `active`. Outside of any simulated thread nothing waits.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import SimpleNamespace, TracebackType
from typing import Any, Final

from tests.simulation.scheduler import OutsideOfTime, Process, Scheduler, Task

_active: list[Scheduler] = []


def active() -> Scheduler:
    """Return the simulation that runs now.

    :raises OutsideOfTime: none does.
    """
    if not _active:
        raise OutsideOfTime("no simulation runs")
    return _active[-1]


def enter(scheduler: Scheduler) -> None:
    """Let a simulation run from now on."""
    _active.append(scheduler)


def leave() -> None:
    """Let it run no longer."""
    _active.pop()


def current_task() -> Task | None:
    """Return the thread that runs, if one of a simulation does."""
    return _active[-1].current if _active else None


def current_process() -> Process:
    """Return the process of the thread that runs.

    :raises OutsideOfTime: none does.
    """
    task = current_task()
    if task is None:
        raise OutsideOfTime("no simulated process runs")
    return task.process


def park(seconds: float | None) -> bool:
    """Wait by the clock of the process that runs; return whether somebody woke it."""
    scheduler = active()
    if seconds is not None:
        seconds /= current_process().machine.rate
    return scheduler.park(seconds)


class Event:
    """threading.Event."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        if self._waiting:
            scheduler = active()
            for task in self._waiting:
                scheduler.wake(task)

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        if self._is_set:
            return True
        task = current_task()
        if task is None:
            raise OutsideOfTime("nobody can wait here")
        self._waiting.append(task)
        try:
            return park(timeout) or self._is_set
        finally:
            self._waiting.remove(task)


class Lock:
    """threading.Lock, and with `again` threading.RLock."""

    def __init__(self, *, again: bool = False) -> None:
        self._again = again
        self._owner: Task | str | None = None
        self._depth = 0
        self._waiting: deque[Task] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me: Task | str = current_task() or "outside"
        if self._owner is None or (self._again and self._owner is me):
            self._owner = me
            self._depth += 1
            return True
        if not blocking:
            return False
        if isinstance(me, str):
            raise OutsideOfTime("nobody can wait here")
        scheduler = active()
        deadline = None if timeout < 0 else scheduler.now + timeout
        self._waiting.append(me)
        try:
            while self._owner is not None:
                left = None if deadline is None else deadline - scheduler.now
                if left is not None and left <= 0:
                    return False
                scheduler.park(left)
        finally:
            self._waiting.remove(me)
        self._owner = me
        self._depth = 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth > 0:
            return
        self._depth = 0
        self._owner = None
        if self._waiting:
            active().wake(self._waiting[0])

    def locked(self) -> bool:
        return self._owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def rlock() -> Lock:
    """threading.RLock."""
    return Lock(again=True)


class Condition:
    """threading.Condition."""

    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = lock or rlock()
        self._waiting: deque[Task] = deque()
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        task = current_task()
        if task is None:
            raise OutsideOfTime("nobody can wait here")
        self._waiting.append(task)
        self._lock.release()
        try:
            park(timeout)
            return task not in self._waiting
        finally:
            if task in self._waiting:
                self._waiting.remove(task)
            self._lock.acquire()

    def wait_for(
        self, predicate: Callable[[], Any], timeout: float | None = None
    ) -> Any:
        scheduler = active()
        deadline = None if timeout is None else scheduler.now + timeout
        while not (found := predicate()):
            left = None if deadline is None else deadline - scheduler.now
            if left is not None and left <= 0:
                return found
            self.wait(left)
        return found

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiting))):
            active().wake(self._waiting.popleft())

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Semaphore:
    """threading.Semaphore and BoundedSemaphore."""

    def __init__(self, value: int = 1) -> None:
        self._value = value
        self._condition = Condition()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        if self._value <= 0:
            if not blocking:
                return False
            with self._condition:
                self._condition.wait_for(lambda: self._value > 0, timeout)
            if self._value <= 0:
                return False
        self._value -= 1
        return True

    def release(self, n: int = 1) -> None:
        self._value += n
        self._condition.notify(n)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Thread:
    """threading.Thread; a daemon or not, it ends with its process."""

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self._target = target
        self._args = tuple(args)
        self._kwargs = kwargs or {}
        self.name = str(name or getattr(target, "__name__", "thread"))
        self.daemon = daemon
        self._task: Task | None = None

    def start(self) -> None:
        if self._task is not None:
            raise RuntimeError("threads can only be started once")
        self._task = active().spawn(current_process(), self._begin, name=self.name)

    def _begin(self) -> None:
        task = current_task()
        assert task is not None
        _THREADS[task] = self
        try:
            self.run()
        finally:
            _THREADS.pop(task, None)

    def run(self) -> None:
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def join(self, timeout: float | None = None) -> None:
        task = self._task
        if task is None:
            raise RuntimeError("cannot join thread before it is started")
        scheduler, me = active(), current_task()
        if me is task or me is None:
            raise RuntimeError("cannot join current thread")
        deadline = None if timeout is None else scheduler.now + max(0.0, timeout)
        while not task.is_over:
            left = None if deadline is None else deadline - scheduler.now
            if left is not None and left <= 0:
                return
            task.joiners.append(me)
            scheduler.park(left)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.is_over

    @property
    def ident(self) -> int | None:
        return None if self._task is None else id(self._task)

    native_id = ident


_THREADS: dict[Task, Thread] = {}


def current_thread() -> Any:
    """threading.current_thread."""
    task = current_task()
    if task is None:
        return threading.current_thread()
    found = _THREADS.get(task)
    if found is None:
        found = Thread(name=task.name)
        found._task = task
    return found


def monotonic() -> float:
    """time.monotonic."""
    task = current_task()
    return time.monotonic() if task is None else task.process.machine.monotonic()


def wall() -> float:
    """time.time."""
    task = current_task()
    return time.time() if task is None else task.process.machine.now().timestamp()


def sleep(seconds: float) -> None:
    """time.sleep."""
    active().pass_by("wait")
    park(seconds)


THREADING: Final = SimpleNamespace(
    Event=Event,
    Lock=Lock,
    RLock=rlock,
    Condition=Condition,
    Semaphore=Semaphore,
    BoundedSemaphore=Semaphore,
    Thread=Thread,
    current_thread=current_thread,
    get_ident=lambda: id(current_task()),
    main_thread=threading.main_thread,
    local=threading.local,
)
TIME: Final = SimpleNamespace(
    monotonic=monotonic, time=wall, sleep=sleep, perf_counter=monotonic
)
