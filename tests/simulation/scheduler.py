# SPDX-License-Identifier: Apache-2.0
"""Virtual time, and who runs when.

A simulation is one thread of the machine. Each thread of a simulated process is a
greenlet; exactly one runs at a time, from one wait to the next, and takes no virtual time
for it. Where several may run at the same moment a seeded choice says which is first, so
that one seed is one interleaving. A process can be killed (each of its threads gets
`Killed` where it waits, and can do nothing more outside of itself), stopped and continued,
at any of its waits, or at a call to the outside of which a `Trap` has the number.

What is done between two waits is never cut: that is where the simulation is coarser than
a machine. Threads of the real kind, real sleeps and real sockets have no place in it.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from greenlet import getcurrent, greenlet

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What the wall clocks say when a simulation begins."""
REMEMBERED: Final = 400
"""Notes that are kept for who has to understand a failure."""


class Killed(BaseException):
    """The process that this thread is of is dead."""


class OutsideOfTime(RuntimeError):
    """Somebody waits who is no thread of a simulated process."""


@dataclass(eq=False)
class Machine:
    """What processes have in common that run on one machine: its clocks."""

    name: str
    scheduler: "Scheduler"
    offset: float = 0.0
    """Seconds by which its wall clock is ahead."""
    rate: float = 1.0
    """How fast its clocks go."""

    def now(self) -> datetime:
        """Return what its wall clock says."""
        return EPOCH + timedelta(seconds=self.scheduler.now * self.rate + self.offset)

    def monotonic(self) -> float:
        """Return what its monotonic clock says, which no step of the other changes."""
        return self.scheduler.now * self.rate + 1000.0


@dataclass(eq=False)
class Trap:
    """What happens to a process when it comes to a certain call to the outside."""

    what: str
    """The call's name begins so."""
    countdown: int
    """So many such calls go through before."""
    spring: Callable[[], None]
    """What happens; the caller goes on after it, if its process still may."""


class Task:
    """One thread of a process."""

    __slots__ = (
        "function",
        "greenlet",
        "is_parked",
        "joiners",
        "name",
        "process",
        "ticket",
        "transactions",
    )

    def __init__(
        self, process: "Process", function: Callable[[], object], name: str
    ) -> None:
        self.process = process
        self.function = function
        self.name = name
        self.greenlet: Any = None
        self.is_parked = False
        self.ticket = 0
        self.joiners: list[Task] = []
        self.transactions = 0
        """Transactions of the database that it has begun and not ended."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.greenlet is None or bool(self.greenlet.dead)


@dataclass(eq=False)
class Process:
    """One simulated process and its threads."""

    name: str
    machine: Machine
    is_alive: bool = True
    is_frozen: bool = False
    tasks: dict[Task, None] = field(default_factory=dict)
    held: list[tuple[Task, int, bool]] = field(default_factory=list)
    """What would have run while it was frozen."""
    children: list["Process"] = field(default_factory=list)
    """Processes that end with it, and are not stopped with it."""
    traps: list[Trap] = field(default_factory=list)
    on_end: list[Callable[[], None]] = field(default_factory=list)
    """Called once it is dead."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What stand-ins keep with a process."""


class Scheduler:
    """Owns the time and the threads of one simulation."""

    def __init__(self, *, seed: str) -> None:
        self.now = 0.0
        self.steps = 0
        self.notes: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)
        self.on_note: Callable[[float, str], None] | None = None
        self.broken: list[tuple[float, str, BaseException]] = []
        """Threads that ended by an exception: when, which, by what."""
        self.current: Task | None = None
        self._random = random.Random(f"{seed}/scheduler")  # noqa: S311
        self._queue: list[tuple[float, float, int, Any, int, bool]] = []
        self._counter = 0
        self._hub = getcurrent()
        self._begun: set[Task] = set()

    # --- what happens when ---------------------------------------------------------------

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` so many seconds from now, outside of any process."""
        self._push(self.now + max(0.0, seconds), action, -1, False)

    def spawn(
        self, process: Process, function: Callable[[], object], *, name: str
    ) -> Task:
        """Begin a thread of `process`; it runs when it is its turn."""
        task = Task(process, function, name)
        if not process.is_alive:
            return task
        task.greenlet = greenlet(lambda _: self._run_task(task), parent=self._hub)
        process.tasks[task] = None
        task.is_parked = True
        self._push(self.now, task, task.ticket, False)
        return task

    def park(self, seconds: float | None) -> bool:
        """Have the thread that runs wait; return whether somebody woke it before the time
        was over.

        :param seconds: of true time, at most; None: until somebody wakes it.
        :raises Killed: its process has ended.
        """
        task = self.current
        if task is None:
            raise OutsideOfTime("nobody can wait here")
        if not task.process.is_alive:
            raise Killed
        if task.transactions:
            raise AssertionError(f"{task.name} waits within a transaction")
        task.ticket += 1
        task.is_parked = True
        if seconds is not None:
            self._push(self.now + max(0.0, seconds), task, task.ticket, False)
        woken = bool(self._hub.switch())
        if not task.process.is_alive:
            raise Killed
        return woken

    def wake(self, task: Task) -> None:
        """Let a thread that waits go on."""
        if task.is_parked:
            self._push(self.now, task, task.ticket, True)

    def run(self, until: float) -> None:
        """Let things happen until that time."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            at, _, _, what, ticket, woken = heapq.heappop(queue)
            self.now = at
            if ticket < 0:
                what()
            else:
                self._resume(what, ticket, woken)
        self.now = max(self.now, until)

    # --- processes -----------------------------------------------------------------------

    def outside(self, action: Callable[[], Any]) -> Any:
        """Do something outside of any process, now, and return what it returns; a thread
        that asks for it waits meanwhile."""
        if self.current is None:
            return action()
        said: list[Any] = []

        def work() -> None:
            try:
                said.append((action(), None))
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                said.append((None, error))

        self.at(0.0, work)
        while not said:
            self.park(0.0)
        found, error = said[0]
        if error is not None:
            raise error
        return found

    def kill(self, process: Process) -> None:
        """End a process here and now, as SIGKILL does; called outside of any."""
        if self.current is not None:
            raise AssertionError(f"{process.name} is killed from within a process")
        if not process.is_alive:
            return
        process.is_alive = False
        process.held.clear()
        for task in list(process.tasks):
            self._end(task)
        process.tasks.clear()
        for child in list(process.children):
            self.kill(child)
        for action in process.on_end:
            action()

    def freeze(self, process: Process) -> None:
        """Stop a process, as SIGSTOP does."""
        process.is_frozen = True

    def thaw(self, process: Process) -> None:
        """Let a stopped process go on."""
        process.is_frozen = False
        held, process.held = process.held, []
        for task, ticket, woken in held:
            self._push(self.now, task, ticket, woken)

    def pass_by(self, what: str) -> None:
        """Note that the thread that runs is at a call to the outside; a trap of its
        process may spring.

        :raises Killed: it has been killed here.
        """
        task = self.current
        if task is None:
            return
        process = task.process
        if not process.is_alive:
            raise Killed
        if not process.traps:
            return
        for trap in [one for one in process.traps if what.startswith(one.what)]:
            if trap.countdown > 0:
                trap.countdown -= 1
                continue
            process.traps.remove(trap)
            self.note(f"{process.name}: at {what} in {task.name}")
            self.at(0.0, trap.spring)
            # The trap springs while this one waits; where it stopped the process, this
            # thread goes on with it.
            self.park(1e-9)

    def note(self, text: str) -> None:
        """Remember what happened, for who has to understand a failure."""
        self.notes.append((self.now, text))
        if self.on_note is not None:
            self.on_note(self.now, text)

    # --- inside --------------------------------------------------------------------------

    def _push(self, at: float, what: Any, ticket: int, woken: bool) -> None:
        self._counter += 1
        rank = self._random.random()
        heapq.heappush(self._queue, (at, rank, self._counter, what, ticket, woken))

    def _resume(self, task: Task, ticket: int, woken: bool) -> None:
        if task.ticket != ticket or not task.is_parked or task.is_over:
            return
        if task.process.is_frozen:
            task.process.held.append((task, ticket, woken))
            return
        self.steps += 1
        task.is_parked = False
        self.current = task
        task.greenlet.switch(woken)
        self.current = None

    def _end(self, task: Task) -> None:
        if task.is_over:
            return
        if task not in self._begun:
            task.greenlet = None
            return
        before, self.current = self.current, task
        task.is_parked = False
        task.greenlet.throw(Killed)
        self.current = before
        if not task.is_over:
            raise AssertionError(
                f"{task.process.name}: {task.name} outlives its process"
            )

    def _run_task(self, task: Task) -> None:
        self._begun.add(task)
        try:
            task.function()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - this is a thread's top
            self.broken.append((self.now, f"{task.process.name}: {task.name}", error))
        finally:
            self._begun.discard(task)
            task.process.tasks.pop(task, None)
            for joiner in task.joiners:
                self.wake(joiner)
