# SPDX-License-Identifier: Apache-2.0
"""One conductor at a time acts for the fleet.

`FleetLease` is a reconciler of its own, so that nothing that another one waits for delays
a renewal. `Led` is a reconciler of the fleet as the driver has it: it looks only while the
lease is held, and forgets what it remembered when another may have acted since. What it
writes goes through a database that checks the lease in each transaction.

A holder that dies is followed `seconds` and one look later, one that stops at the next
look, one that starts again under its name at once.
"""

import logging
import threading
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.fenced import FencedDatabase
from hummingbird.db.repository import lease as lease_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.lease import (
    FLEET,
    HOLD_SHARE,
    RENEWALS,
    Lease,
    is_life_of,
    may_be_taken,
)
from hummingbird.domain.unchanged import Unchanged
from hummingbird.errors import DatabaseUnavailable, LeaseNotHeld
from hummingbird.reconcilers.base import Outcome, Reconciler

LOG = logging.getLogger(__name__)


class FleetLease:
    """Takes the lease when it may, and keeps it."""

    name = "lease"

    def __init__(
        self, database: Database, *, clock: Clock, owner: str, seconds: float
    ) -> None:
        """
        :param owner: name of this process; a former life of it is known by it.
        :param seconds: for how long the lease must have been unchanged before another
            conductor takes it.
        """
        self.period_seconds = seconds / RENEWALS
        self._database = database
        self._clock = clock
        self._name = owner
        self._owner = f"{owner}/{uuid4()}"
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: Lease | None = None
        self._until = float("-inf")
        self._unchanged: Unchanged[str] = Unchanged()

    @property
    def epoch(self) -> int:
        """Which holder this one is, or was; 0: it never was."""
        held = self._held
        return 0 if held is None else held.epoch

    def is_held(self) -> bool:
        """Return whether this conductor acts, by its own clock."""
        return self._held is not None and self._clock.monotonic() < self._until

    def ensure(self) -> bool:
        """Return whether this conductor acts; one that held the lease and could not renew
        it in time tries that first."""
        if self._held is not None and not self.is_held():
            self.reconcile()
        return self.is_held()

    def reconcile(self) -> Outcome:
        """Renew the lease, or take it where that may be."""
        with self._lock:
            if self._held is not None:
                return self._renew(self._held)
            return self._try()

    def release(self) -> None:
        """Give the lease back, so that another conductor acts at its next look."""
        with self._lock:
            held, self._held = self._held, None
            if held is None:
                return
            try:
                with self._database.writer() as connection:
                    lease_repository.release(connection, held)
            except DatabaseUnavailable as error:
                LOG.warning("Could not give the lease back: %s", error)

    def fenced(self, database: Database) -> Database:
        """Return `database` for who writes on behalf of the lease only.

        Its writers raise `LeaseNotHeld` where it is another's.
        """
        return FencedDatabase(database, check=self._check)

    def _check(self, connection: Connection) -> None:
        # The row decides, and not our clock: while nobody has taken it, a late renewal
        # harms nobody.
        held = self._held
        if held is None or not lease_repository.hold(
            connection, held, freeze_seconds=self._seconds
        ):
            raise LeaseNotHeld(lease=FLEET)

    def _renew(self, held: Lease) -> Outcome:
        began = self._clock.monotonic()
        with self._database.writer() as connection:
            renewed = lease_repository.renew(connection, held, until=self._wall())
        if renewed:
            self._until = began + self._seconds * HOLD_SHARE
            return Outcome(looked_at=1)
        self._held, self._until = None, float("-inf")
        return Outcome(changed=("another conductor acts for the fleet now",))

    def _try(self) -> Outcome:
        began = self._clock.monotonic()
        with self._database.reader() as connection:
            known = lease_repository.find(connection, FLEET)
        if known is not None and not self._may_take(known, monotonic=began):
            return Outcome()
        until = self._wall()
        with self._database.writer() as connection:
            if known is None:
                taken = lease_repository.create(
                    connection, FLEET, owner=self._owner, until=until
                )
            else:
                taken = lease_repository.take(
                    connection, known, owner=self._owner, until=until
                )
        if taken is None:
            return Outcome()
        self._held, self._until = taken, began + self._seconds * HOLD_SHARE
        said = f"acts for the fleet from now on (epoch {taken.epoch})"
        return Outcome(looked_at=1, changed=(said,))

    def _may_take(self, known: Lease, *, monotonic: float) -> bool:
        unchanged = self._unchanged.seconds(known.name, known, monotonic=monotonic)
        return is_life_of(known.owner, self._name) or may_be_taken(
            known, unchanged_seconds=unchanged, seconds=self._seconds
        )

    def _wall(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._seconds)


@runtime_checkable
class Remembers(Protocol):
    """A reconciler that keeps what it has seen from one look to the next."""

    def forget(self) -> None:
        """Look at everything next time: somebody else may have acted since."""


class Led:
    """A reconciler that looks only while the lease is held."""

    def __init__(self, reconciler: Reconciler, *, lease: FleetLease) -> None:
        self.reconciler = reconciler
        self._lease = lease
        self._epoch: int | None = None

    @property
    def name(self) -> str:
        """What it keeps true."""
        return self.reconciler.name

    @property
    def period_seconds(self) -> float:
        """Seconds between two looks."""
        return self.reconciler.period_seconds

    def reconcile(self) -> Outcome:
        """Look, if this conductor acts."""
        if not self._lease.ensure():
            return Outcome()
        before, self._epoch = self._epoch, self._lease.epoch
        if before not in (None, self._epoch) and isinstance(self.reconciler, Remembers):
            self.reconciler.forget()
        return self.reconciler.reconcile()
