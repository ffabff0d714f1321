# SPDX-License-Identifier: Apache-2.0
"""One run on one reserved host, from claim to end.

`with HostTask(...) as task:` is where every piece of work on a host happens. Whatever
way the block is left, the run ends, the host moves by the table, the reservation is
given back and the host's task says why, all in one transaction. What can't be written
because the database is away stays with the orphan reconciler.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event as Flag
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
)
from hummingbird.conductor.ending import Ending, is_at_work
from hummingbird.conductor.interrupt import Interrupted, Reason
from hummingbird.conductor.journal import Journal
from hummingbird.conductor.login import Login
from hummingbird.conductor.neighbours import Neighbours
from hummingbird.db.repository import event_log
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import LogEvent
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event, may
from hummingbird.domain.run import STEPS, Run
from hummingbird.errors import (
    DatabaseUnavailable,
    HostUnreachable,
    HummingbirdError,
    RunFailed,
    Unavailable,
)

LOG = logging.getLogger(__name__)

T = TypeVar("T")

CANCEL_POLL_SECONDS: Final = 1.0
WAIT_POLL_SECONDS: Final = 0.5


class HostTask:
    """A run under way."""

    def __init__(
        self,
        run: Run,
        host: Host,
        *,
        owner: str,
        neighbours: Neighbours,
        stopping: Flag,
        fenced: Flag,
    ) -> None:
        self.run = run
        self.host = host
        self.neighbours = neighbours
        self.clock = neighbours.clock
        self.patience = neighbours.patience
        self._owner = owner
        self._stopping = stopping
        self._fenced = fenced
        self._polled_at = float("-inf")
        self._interrupt: Reason | None = None
        self.journal = Journal(
            run,
            host_id=host.id,
            owner=owner,
            database=neighbours.database,
            clock=self.clock,
            fenced=fenced,
            lease_seconds=self.patience.lease,
        )
        self._ending = Ending(
            run, host, owner=owner, journal=self.journal, clock=self.clock
        )

    # --- begin and end ----------------------------------------------------------------

    def __enter__(self) -> Self:
        LOG.info(
            "Run %s: %s of %s begins (attempt %d)",
            self.run.uuid,
            self.run.kind,
            self.host.hostname,
            self.run.attempt,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is not None and not isinstance(error, Exception):
            return False
        try:
            self._ending.after(error)
        except Interrupted:
            LOG.warning("Run %s is another conductor's now", self.run.uuid)
        except DatabaseUnavailable as away:
            LOG.error("Run %s ended, but can't be written: %s", self.run.uuid, away)
        for name in ("alarm", "node", "liveness", "tunnel"):
            self.neighbours.nudge(name)
        return True

    def begin(self) -> None:
        """:raises Interrupted: a later request has the host already, or goes before."""
        self.check()
        if not is_at_work(self.run, self.host):
            raise Interrupted(Reason.CANCELLED)

    # --- interruptions ----------------------------------------------------------------

    def should_cancel(self) -> bool:
        """Return whether to stop; asks the database at most once a second."""
        if self._interrupt is not None:
            return True
        if self._fenced.is_set():
            self._interrupt = Reason.FENCED
        elif self._stopping.is_set():
            self._interrupt = Reason.STOPPING
        elif self.clock.monotonic() - self._polled_at >= CANCEL_POLL_SECONDS:
            self._polled_at = self.clock.monotonic()
            if self._cancel_is_requested():
                self._interrupt = Reason.CANCELLED
        return self._interrupt is not None

    def _cancel_is_requested(self) -> bool:
        try:
            with self.neighbours.database.reader() as connection:
                return run_repository.cancel_requested(connection, self.run.id)
        except DatabaseUnavailable:
            return False

    def check(self) -> None:
        """:raises Interrupted: the run is to stop."""
        if self.should_cancel():
            raise Interrupted(self._interrupt or Reason.CANCELLED)

    # --- steps ------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do one step; its begin, end and time are events of the run."""
        self.check()
        self.journal.begin(name)
        yield
        self.journal.finish()

    def wait_until(
        self,
        condition: Callable[[], bool],
        *,
        seconds: float,
        what: str,
        poll_seconds: float = WAIT_POLL_SECONDS,
    ) -> None:
        """Wait until `condition`; a neighbour that is away counts as not yet.

        :raises RunFailed: `what` is not so after `seconds`.
        :raises Unavailable: a neighbour that will not come back by waiting.
        :raises Interrupted: the run is to stop.
        """
        deadline = self.clock.monotonic() + seconds
        why = ""
        while True:
            self.check()
            try:
                if condition():
                    return
                why = ""
            except Unavailable as error:
                if not error.worth_a_retry:
                    raise
                why = f" ({error})"
            if self.clock.monotonic() >= deadline:
                raise RunFailed(
                    step=self.journal.step or "run",
                    message=f"{what} after {seconds:.0f} s{why}",
                )
            self.clock.wait(self._stopping, seconds=poll_seconds)

    def patiently(self, call: Callable[[], T], *, seconds: float) -> T:
        """Return what `call` returns; a neighbour that is away is asked again.

        :raises Unavailable: it was away for all of `seconds`, or waiting is no use.
        """
        deadline = self.clock.monotonic() + seconds
        is_told = False
        while True:
            self.check()
            try:
                return call()
            except Unavailable as error:
                if not error.worth_a_retry or self.clock.monotonic() >= deadline:
                    raise
                if not is_told:
                    self.journal.info(f"retried: {error}")
                    is_told = True
            self.clock.wait(self._stopping, seconds=CANCEL_POLL_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until this conductor is told to end."""
        self.clock.wait(self._stopping, seconds=seconds)

    # --- changes ----------------------------------------------------------------------

    def move(self, event: Event, **values: Any) -> None:
        """Take the host through the state machine.

        :raises Interrupted: a later request has taken it elsewhere (CANCELLED).
        """

        def work(connection: Connection) -> Host:
            host = host_repository.get(connection, self.host.id)
            if not may(host.state, event):
                raise Interrupted(Reason.CANCELLED)
            return host_repository.move(
                connection, host, event, now=self.clock.now(), **values
            )

        self.host = self.journal.write(work)

    def change(self, **values: Any) -> None:
        """Write `values` to the host."""

        def work(connection: Connection) -> Host:
            host = host_repository.get(connection, self.host.id)
            return host_repository.change(
                connection, host, now=self.clock.now(), **values
            )

        self.host = self.journal.write(work)

    def log(self, *lines: LogEvent) -> None:
        """Append to the event log."""

        def work(connection: Connection) -> None:
            for line in lines:
                event_log.append(connection, line, now=self.clock.now())

        self.journal.write(work, host=False)

    def conclude(
        self, *events: Event, lines: Sequence[LogEvent] = (), **values: Any
    ) -> None:
        """Say what the run's success does to the host; done together with its end."""

        def conclusion(connection: Connection, host: Host) -> None:
            now = self.clock.now()
            values_now = {"task": None, "progress": None, **values}
            for event in events:
                host = host_repository.move(
                    connection, host, event, now=now, **values_now
                )
            if not events:
                host_repository.change(connection, host, now=now, **values_now)
            for line in lines:
                event_log.append(connection, line, now=now)

        self._ending.conclusion = conclusion

    def conclude_removal(self, *, lines: Sequence[LogEvent]) -> None:
        """Say that the run's success is that the host is gone."""

        def conclusion(connection: Connection, host: Host) -> None:
            for line in lines:
                event_log.append(connection, line, now=self.clock.now())
            host_repository.remove(connection, host.id)

        self._ending.conclusion = conclusion

    # --- playbooks --------------------------------------------------------------------

    def playbook(
        self,
        name: str,
        *,
        access: HostAccess,
        variables: Mapping[str, object],
        tags: Sequence[str] = (),
        timeout_seconds: float | None = None,
    ) -> PlaybookResult:
        """Run a playbook on the host; its roles are the run's steps.

        :raises HostUnreachable, HostKeyChanged, RunFailed: how it failed.
        :raises HostKeyNotPinned: a password would go to whatever answers.
        :raises Interrupted: the run is to stop.
        """
        before = self.journal.changed or 0
        self.journal.changed = before
        result = self._login().run(
            name,
            access=access,
            variables=variables,
            on_event=self._note,
            should_cancel=self.should_cancel,
            timeout_seconds=timeout_seconds or self.patience.playbook,
            tags=tags,
        )
        self.journal.changed = before + result.changed
        if result.known_hosts and self.host.known_hosts is None:
            self.host = self.journal.write(
                lambda connection: host_repository.get(connection, self.host.id)
            )
        if result.status == "cancelled":
            raise Interrupted(self._interrupt or Reason.CANCELLED)
        if result.status != "successful":
            raise result.error or _error(self.host, result)
        return result

    def _login(self) -> Login:
        return Login(
            host=self.host,
            runner=self.neighbours.runner,
            database=self.neighbours.database,
            clock=self.clock,
            observer=self.run.kind.value,
            write=self.journal.write,
            say=self.journal.info,
        )

    def _note(self, event: PlaybookEvent) -> None:
        if event.step in STEPS[self.run.kind]:
            self.journal.begin(event.step)
        if event.status == "started":
            return
        if event.status == "changed" and self.journal.changed is not None:
            self.journal.changed += 1
        self.journal.event(
            self.journal.step or event.step,
            event.status,
            message=event.message,
            task=event.task,
            duration_seconds=event.duration_seconds,
        )


def _error(host: Host, result: PlaybookResult) -> HummingbirdError:
    message = result.message or result.status
    if result.status == "unreachable":
        return HostUnreachable(
            hostname=host.hostname, address=host.mgmt_ip, message=message
        )
    return RunFailed(step=result.failed_step or "playbook", message=message)
