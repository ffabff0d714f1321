# SPDX-License-Identifier: Apache-2.0
"""No run or reservation outlives the conductor that it belongs to.

Sees processes, running runs and reservations in the database; a process is dead that gave no
sign of life for a lease (evaluation/life_signs.py). What a dead conductor worked on is queued
again, or failed where too many died in it. Runs on every conductor; each change is
conditional on the dead owner still being named.
"""

from collections.abc import Callable
from datetime import datetime

from hummingbird.clock import Clock
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import host_hold, process
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.run import Run, RunState, setback
from hummingbird.errors import HostNotFound, RunTakenOverTooOften
from hummingbird.evaluation.life_signs import LifeSigns
from hummingbird.reconcilers.base import Outcome


def owner_name(name: str, incarnation: str) -> str:
    """Return what one life of a process signs its work with."""
    return f"{name}/{incarnation}"


class OrphanReconciler:
    """Keeps the work of the dead from being forgotten."""

    name = "orphan"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        lease_seconds: float,
        max_attempts: int,
        period_seconds: float,
        in_hand: Callable[[], tuple[str, frozenset[int]]],
        nudge_runs: Callable[[], None],
    ) -> None:
        """:param in_hand: this conductor's owner name and the ids of the runs that its
        threads work on: others of its runs have lost their thread."""
        self._database = database
        self._clock = clock
        self._signs = LifeSigns(lease_seconds=lease_seconds)
        self._max_attempts = max_attempts
        self._in_hand = in_hand
        self._nudge_runs = nudge_runs
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at all that has an owner; take it from the dead."""
        now, asked_at = self._clock.now(), self._clock.monotonic()
        # Before the database is read: a run that is claimed after this is not ours to
        # judge, and one that was in hand and has ended is no longer running below.
        own, working = self._in_hand()
        with self._database.snapshot() as connection:
            running = run_repository.list_all(connection, states=[RunState.RUNNING])
            reserved = host_repository.reserved(connection)
            conductors = process.list_all(connection, kind="conductor")
        alive = {
            owner_name(item.name, item.incarnation)
            for item in self._signs.alive(conductors, asked_at=asked_at)
        }
        said: list[str] = []
        for run in running:
            lost_thread = run.owner == own and run.id not in working
            if run.owner not in alive or (lost_thread and not self._is_in_hand(run.id)):
                said += self._take(run, now=now)
        dead = {h.reservation_owner for h in reserved} - alive - {None}
        for owner in sorted(item for item in dead if item is not None):
            with self._database.writer() as connection:
                count = host_repository.release_all(connection, owner=owner)
            if count:
                said.append(f"{count} hosts released from {owner}")
        if said:
            self._nudge_runs()
        return Outcome(looked_at=len(running) + len(reserved), changed=tuple(said))

    def _is_in_hand(self, run_id: int) -> bool:
        return run_id in self._in_hand()[1]

    def _take(self, run: Run, *, now: datetime) -> list[str]:
        with self._database.writer() as connection:
            said = take_over(connection, run, max_attempts=self._max_attempts, now=now)
        if said is None:
            return []
        return [f"{run.kind} of {run.hostname} (attempt {run.attempt}) {said}"]


def take_over(
    connection: Connection, run: Run, *, max_attempts: int, now: datetime
) -> str | None:
    """Take a running run from its dead owner; return what became of it, or None where
    somebody was faster.

    It is queued again, or failed where too many conductors ended in it: a run that
    brings down whoever works on it must not do so for ever.
    """
    owner = run.owner
    try:
        host = host_repository.find(connection, run.host_uuid)
        host_hold.hold(connection, host.id)
        host = host_repository.get(connection, host.id)
    except HostNotFound:
        host = None
    if owner is None or not run_repository.held(connection, run.id, owner=owner):
        return None
    if host is not None:
        host_repository.release(connection, host.id, owner=owner)
    if run.attempt < max_attempts:
        run_repository.requeue(connection, run)
        return "queued again"
    error = RunTakenOverTooOften(attempts=run.attempt)
    run_repository.finish(
        connection,
        run,
        state=RunState.FAILED,
        now=now,
        error_code=error.code,
        error=str(error),
    )
    if host is not None:
        event = setback(run.kind, host.state, heard=host.online)
        if event is not None:
            host_repository.move(
                connection, host, event, now=now, task=str(error), progress=None
            )
    return "failed"
