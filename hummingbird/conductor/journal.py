# SPDX-License-Identifier: Apache-2.0
"""Writes down what a run does while it does it: steps, events, the host's live task.

Each write first makes sure that the run is still this conductor's, in the same
transaction: a conductor that was thought dead writes nothing more once another one has
the run. A database that is away is waited for, at most one lease.
"""

from collections.abc import Callable
from threading import Event as Flag
from typing import Final, TypeVar

from hummingbird.clock import Clock
from hummingbird.conductor.interrupt import Interrupted, Reason
from hummingbird.db.repository import hearing, host_hold
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.run import (
    PROVISIONS,
    STEPS,
    Instruction,
    Run,
    RunKind,
    StepState,
)
from hummingbird.errors import DatabaseUnavailable, HostGenerationConflict

T = TypeVar("T")

CONFLICTS_TOLERATED: Final = 5
"""Each was somebody's finished change, so a sixth in a row is no coincidence."""
DATABASE_RETRY_SECONDS: Final = 1.0
MESSAGE_MAX: Final = 500

VERB: Final[dict[RunKind, str]] = {
    RunKind.UNLOCK: "Unlocking",
    RunKind.LOCK: "Locking",
    RunKind.FORCE_LOCK: "Force Locking",
    RunKind.REINSTALL: "Reinstalling",
    RunKind.REBOOT: "Rebooting",
    RunKind.RESET: "Resetting",
    RunKind.POWER_ON: "Powering-on",
    RunKind.POWER_OFF: "Powering-off",
    RunKind.RECOVER: "Graceful Recovery",
    RunKind.RETIRE: "Deleting",
    RunKind.ROTATE: "Changing its tunnel's key",
}


class Journal:
    """One run's book."""

    def __init__(
        self,
        run: Run,
        *,
        host_id: int,
        owner: str,
        database: Database,
        clock: Clock,
        fenced: Flag,
        lease_seconds: float,
    ) -> None:
        self._run = run
        self._host_id = host_id
        self._owner = owner
        self._database = database
        self._clock = clock
        self._fenced = fenced
        self._lease_seconds = lease_seconds
        self._step: str | None = None
        self._step_began = 0.0
        self.changed: int | None = run.changed
        """Tasks that changed the host; None: no playbook has run."""
        self.instruction: Instruction | None = run.instruction
        """The step that must not be done twice and was begun, by whomever."""

    @property
    def step(self) -> str | None:
        """The step that is running."""
        return self._step

    def write(self, work: Callable[[Connection], T], *, host: bool = True) -> T:
        """Do `work` in a transaction, as long as the run is ours.

        :param host: whether it changes the host, or what hangs on it: then that is locked
            before the run.
        :raises Interrupted: it is not (FENCED).
        :raises DatabaseUnavailable: it was away for a whole lease.
        """
        deadline = self._clock.monotonic() + self._lease_seconds
        conflicts = 0
        while True:
            if self._fenced.is_set():
                raise Interrupted(Reason.FENCED)
            try:
                with self._database.writer() as connection:
                    if host:
                        host_hold.hold(connection, self._host_id)
                    if not run_repository.held(
                        connection, self._run.id, owner=self._owner
                    ):
                        raise Interrupted(Reason.FENCED)
                    return work(connection)
            except HostGenerationConflict:
                conflicts += 1
                if conflicts > CONFLICTS_TOLERATED:
                    raise
            except DatabaseUnavailable:
                if self._clock.monotonic() >= deadline:
                    raise
                self._clock.wait(self._fenced, seconds=DATABASE_RETRY_SECONDS)

    def begin(self, step: str) -> None:
        """Start `step`; the one before it, if any, is done."""
        if self._step == step:
            return
        self.finish()
        self._step, self._step_began = step, self._clock.monotonic()
        run = self._run
        place = _place(run, step)
        text = f"{VERB[run.kind]}: {step}" + (f" ({place})" if place else "")
        progress = place if run.kind in PROVISIONS else None
        is_resumed = run.attempt > 1 and run.current_step == step
        message = f"resumed: attempt {run.attempt}" if is_resumed else ""

        def work(connection: Connection) -> None:
            now = self._clock.now()
            run_repository.note_step(connection, self._run.id, step=step)
            run_repository.add_event(
                connection,
                self._run.id,
                at=now,
                step=step,
                state=StepState.RUNNING.value,
                message=message,
            )
            host_repository.note_task(
                connection, self._host_id, task=text, progress=progress, now=now
            )

        self.write(work)

    def finish(self, state: StepState = StepState.DONE, *, message: str = "") -> None:
        """End the running step, if there is one."""
        if self._step is None:
            return
        step, self._step = self._step, None
        seconds = self._clock.monotonic() - self._step_began
        self.event(step, state.value, message=message, duration_seconds=seconds)

    def skip(self, step: str, *, message: str) -> None:
        """Note that `step` is not needed."""
        self.finish()
        self.event(step, StepState.SKIPPED.value, message=message)

    def info(self, message: str) -> None:
        """Note a remark on the running step."""
        self.event(self._step or "run", "info", message=message)

    def instruct(self, step: str, *, boot_id: str | None) -> None:
        """Write down that `step`, which must not be done twice, is done next.

        :param boot_id: the boot that the host is in now; None: not known.
        """

        def work(connection: Connection) -> Instruction:
            given = Instruction(
                step=step,
                boot_id=boot_id,
                at=self._clock.now(),
                clock=hearing.shared_clock(connection),
            )
            run_repository.note_instruction(connection, self._run.id, given)
            return given

        self.instruction = self.write(work)

    def event(
        self,
        step: str,
        state: str,
        *,
        message: str = "",
        task: str | None = None,
        duration_seconds: float | None = None,
    ) -> None:
        """Append one event."""

        def work(connection: Connection) -> None:
            run_repository.add_event(
                connection,
                self._run.id,
                at=self._clock.now(),
                step=step,
                state=state,
                message=message[:MESSAGE_MAX],
                task=task,
                duration_seconds=duration_seconds,
            )
            if self.changed is not None and state == "changed":
                run_repository.note_step(
                    connection, self._run.id, step=step, changed=self.changed
                )

        self.write(work, host=False)


def _place(run: Run, step: str) -> str | None:
    """Return which of how many steps it is: "3/9"."""
    steps = STEPS[run.kind]
    return f"{steps.index(step) + 1}/{len(steps)}" if step in steps else None
