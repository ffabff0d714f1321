# SPDX-License-Identifier: Apache-2.0
"""Runs, the event log and the audit log are kept for a time, and no more than so many.

Takes away what is too old or too much, the oldest first, in transactions of a batch each. A
look spends KIND_SECONDS on each kind, whatever is left: the next one goes on. What has not ended is
never taken away.

Age is by the wall clock. One that was set to a wrong time for a while would make everything
old, and what is taken away does not come back: nothing is, until it has run evenly for
STEADY_SECONDS.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.db.repository import retention
from hummingbird.db.repository.retention import Kind, Taken
from hummingbird.db.session import Connection, Database
from hummingbird.reconcilers.base import Outcome

KIND_SECONDS: Final = 10.0
RUNS_SHARE: Final = 10
"""A run has many events, so that a batch of runs is so much smaller."""
RUNS_YOUNG: Final = timedelta(days=2)
"""Younger runs stay, however many there are: limits of recovery are counted by the runs of
a day (domain/recovery.py)."""
STEADY_SECONDS: Final = 3600.0
STEP_SECONDS: Final = 60.0
"""What the wall clock gains or loses at once if it is set; NTP slews by less than that in
the time between two looks."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How much is kept, and how long."""

    run_days: int
    runs_most: int
    event_days: int
    events_most: int
    audit_days: int
    batch: int


class RetentionReconciler:
    """Keeps tables from growing without end."""

    name = "retention"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        kept: Kept,
        period_seconds: float,
        steady_seconds: float = STEADY_SECONDS,
    ) -> None:
        """:param steady_seconds: for how long the clock has to have run evenly."""
        self._database = database
        self._clock = clock
        self._kept = kept
        self.period_seconds = period_seconds
        self._steady_seconds = steady_seconds
        self._looked = clock.now(), clock.monotonic()
        self._steady_since = clock.monotonic()

    def reconcile(self) -> Outcome:
        """Take away what is too old or too much."""
        if not self._is_steady():
            return Outcome()
        gone = {kind: self._take(kind) for kind in Kind}
        said = (
            f"{count} {kind.value} taken away" for kind, count in gone.items() if count
        )
        return Outcome(looked_at=len(gone), changed=tuple(said))

    def _is_steady(self) -> bool:
        wall, at = self._looked
        self._looked = now, monotonic = self._clock.now(), self._clock.monotonic()
        if abs((now - wall).total_seconds() - (monotonic - at)) > STEP_SECONDS:
            self._steady_since = monotonic
        return monotonic - self._steady_since >= self._steady_seconds

    def _take(self, kind: Kind) -> int:
        deadline = self._clock.monotonic() + KIND_SECONDS
        kept, most = self._kept, self._most(kind)
        batch = max(1, kept.batch // RUNS_SHARE) if kind is Kind.RUNS else kept.batch
        now = self._clock.now()
        before = now - timedelta(days=self._days(kind))
        young = now - RUNS_YOUNG if kind is Kind.RUNS else None
        edge = 0
        if most is not None:
            with self._database.reader() as connection:
                edge = retention.beyond(connection, kind, most=most)
        total, after = 0, 0
        while self._clock.monotonic() < deadline:

            def work(connection: Connection, after: int = after) -> Taken:
                return retention.take_away(
                    connection,
                    kind,
                    after=after,
                    before=before,
                    edge=edge,
                    young=young,
                    batch=batch,
                )

            taken = self._database.write(work)
            total += taken.count
            if taken.upto is None:
                break
            after = taken.upto
        return total

    def _days(self, kind: Kind) -> int:
        kept = self._kept
        return {
            Kind.RUNS: kept.run_days,
            Kind.EVENTS: kept.event_days,
            Kind.AUDIT: kept.audit_days,
        }[kind]

    def _most(self, kind: Kind) -> int | None:
        kept = self._kept
        return {Kind.RUNS: kept.runs_most, Kind.EVENTS: kept.events_most}.get(kind)


def from_options(
    conf: Conf, database: Database, *, clock: Clock
) -> RetentionReconciler:
    """Return the reconciler as the options want it."""
    options = conf.retention
    return RetentionReconciler(
        database,
        clock=clock,
        kept=Kept(
            run_days=options.run_days,
            runs_most=options.runs_most,
            event_days=options.event_days,
            events_most=options.events_most,
            audit_days=conf.api.audit_days,
            batch=options.batch,
        ),
        period_seconds=options.period_seconds,
    )
