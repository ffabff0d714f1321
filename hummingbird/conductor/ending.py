# SPDX-License-Identifier: Apache-2.0
"""How a run ends: its state, the host's, the reservation and the task text, at once."""

import logging
from collections.abc import Callable

from hummingbird.clock import Clock
from hummingbird.conductor.interrupt import Interrupted, Reason
from hummingbird.conductor.journal import VERB, Journal
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection
from hummingbird.domain.host import TASK_MAX, Host
from hummingbird.domain.host_state import AT_REST
from hummingbird.domain.run import (
    HELPED_IN_SERVICE,
    POWER,
    Run,
    RunKind,
    RunState,
    StepState,
    setback,
)
from hummingbird.errors import (
    DatabaseUnavailable,
    HostNotFound,
    HostUnreachable,
    HummingbirdError,
)

LOG = logging.getLogger(__name__)

Conclusion = Callable[[Connection, Host], None]
"""What a run's success does to its host, inside the transaction that ends the run."""


class Ending:
    """Ends one run."""

    def __init__(
        self, run: Run, host: Host, *, owner: str, journal: Journal, clock: Clock
    ) -> None:
        self.conclusion: Conclusion | None = None
        self._run = run
        self._host_id = host.id
        self._hostname = host.hostname
        self._owner = owner
        self._journal = journal
        self._clock = clock

    def after(self, error: Exception | None) -> None:
        """End the run as its workflow was left.

        :raises Interrupted: the run is another conductor's (FENCED); nothing is written.
        :raises DatabaseUnavailable: it can't be written.
        """
        if isinstance(error, Interrupted):
            self._interrupted(error)
            return
        if error is None:
            error = self._succeed()
            if error is None:
                return
        if not isinstance(error, HummingbirdError):
            LOG.error("Run %s broke", self._run.uuid, exc_info=error)
            error = HummingbirdError()
        self._journal.finish(StepState.FAILED, message=str(error))
        self._end(RunState.FAILED, sentence=_short(error), error=error)

    def _interrupted(self, error: Interrupted) -> None:
        if error.reason is Reason.FENCED:
            raise error
        self._journal.finish(StepState.SKIPPED, message=error.reason.value)
        if error.reason is Reason.STOPPING:
            self._give_back()
        else:
            self._end(RunState.CANCELLED, sentence="cancelled")

    def _succeed(self) -> HummingbirdError | None:
        """End the run well; return what refused that."""
        try:
            self._journal.finish()
            self._end(RunState.SUCCEEDED)
        except DatabaseUnavailable:
            raise
        except HummingbirdError as error:
            return error
        return None

    def _end(
        self,
        state: RunState,
        *,
        sentence: str = "",
        error: HummingbirdError | None = None,
    ) -> None:
        def work(connection: Connection) -> RunState:
            ended = self._settle_host(connection, state, sentence=sentence)
            run_repository.finish(
                connection,
                self._run,
                state=ended,
                now=self._clock.now(),
                error_code=error.code if error else None,
                error=str(error) if error else None,
                changed=self._journal.changed,
            )
            host_repository.release(connection, self._host_id, owner=self._owner)
            return ended

        ended = self._journal.write(work)
        LOG.info(
            "Run %s: %s of %s %s%s",
            self._run.uuid,
            self._run.kind,
            self._hostname,
            ended,
            f": {error}" if error else "",
        )

    def _settle_host(
        self, connection: Connection, state: RunState, *, sentence: str
    ) -> RunState:
        """Move the host by the table; return how the run has ended."""
        try:
            host = host_repository.get(connection, self._host_id)
        except HostNotFound:
            return state
        if state is not RunState.SUCCEEDED:
            self._set_back(connection, host, sentence=sentence)
            return state
        if not is_at_work(self._run, host):
            return RunState.CANCELLED
        if self.conclusion is not None:
            self.conclusion(connection, host)
        return state

    def _set_back(self, connection: Connection, host: Host, *, sentence: str) -> None:
        now, kind = self._clock.now(), self._run.kind
        event = setback(kind, host.state, heard=host.online)
        said = f"{VERB[kind]} failed: {sentence}"
        text = failure_text(said, hostname=self._hostname)
        if event is not None:
            host_repository.move(
                connection, host, event, now=now, task=text, progress=None
            )
        elif kind in POWER and host.state in AT_REST:
            host_repository.change(connection, host, now=now, task=text)
        elif kind is RunKind.RECOVER and host.state in HELPED_IN_SERVICE:
            host_repository.change(connection, host, now=now, task=text, progress=None)

    def _give_back(self) -> None:
        def work(connection: Connection) -> None:
            run = run_repository.find(connection, self._run.uuid)
            run_repository.requeue(connection, run, died=False)
            host_repository.release(connection, self._host_id, owner=self._owner)

        self._journal.write(work)
        LOG.info("Run %s is queued again: this conductor ends", self._run.uuid)


def is_at_work(run: Run, host: Host) -> bool:
    """Return whether the host's state is still the run's own; what only switches its
    power, a change of its tunnel's key, and what helps a host in service, own none."""
    return (
        run.kind in POWER
        or run.kind is RunKind.ROTATE
        or (run.kind is RunKind.RECOVER and host.state in HELPED_IN_SERVICE)
        or setback(run.kind, host.state, heard=host.online) is not None
    )


def failure_text(said: str, *, hostname: str) -> str:
    """Return what a host's task says of it; where it has no room, where all of it is."""
    if len(said) <= TASK_MAX:
        return said
    end = f"… see run-show {hostname}"
    if len(end) > TASK_MAX // 2:
        end = "… see run-show"
    return said[: TASK_MAX - len(end)].rstrip() + end


def _short(error: HummingbirdError) -> str:
    """Return the error in the few words that a host's task has room for."""
    if isinstance(error, HostUnreachable):
        return "the host is away"
    return str(error)
