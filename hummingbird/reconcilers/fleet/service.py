# SPDX-License-Identifier: Apache-2.0
"""Of each of our own processes that is silent it is noted, for its alarm (400.001).

Sees the rows in which conductors, gateways and APIs give their signs of life; notes of one
whose row has not changed for `down_seconds`, by this conductor's clock, since when that is so
and who saw it. A process that is back takes the note away itself.
"""

from hummingbird.clock import Clock
from hummingbird.db.repository import process
from hummingbird.db.session import Database
from hummingbird.domain.process_watch import ProcessWatch
from hummingbird.reconcilers.base import Outcome


class ServiceReconciler:
    """Keeps it known which of our processes are silent."""

    name = "service"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        observer: str,
        down_seconds: float,
        period_seconds: float,
    ) -> None:
        """:param observer: the name of this process."""
        self._database = database
        self._clock = clock
        self._observer = observer
        self._down_seconds = down_seconds
        self._watch = ProcessWatch()
        self.period_seconds = period_seconds

    def forget(self) -> None:
        """Count anew for how long they are silent."""
        self._watch.forget()

    def reconcile(self) -> Outcome:
        """Look at all processes; note those that have become silent."""
        asked_at = self._clock.monotonic()
        with self._database.reader() as connection:
            known = process.everything(connection)
        silent = [
            one
            for one, seconds in self._watch.silent(known, asked_at=asked_at)
            if seconds > self._down_seconds and one.down_since is None
        ]
        if not silent:
            return Outcome(looked_at=len(known))
        now = self._clock.now()
        with self._database.writer() as connection:
            noted = [
                one
                for one in silent
                if process.note_down(connection, one, observer=self._observer, now=now)
            ]
        said = tuple(f"{one.name} gives no sign of life" for one in noted)
        return Outcome(looked_at=len(known), changed=said)
