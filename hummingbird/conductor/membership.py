# SPDX-License-Identifier: Apache-2.0
"""A conductor's place among the living: registered, with a lease that it renews.

It counts as dead to others when its last beat is older than the lease, so it fences
itself before that: beats every third of the lease, and has lost it when none was written
for FENCE_SHARE of it. Clocks of several controllers must agree to the rest of it.
"""

import logging
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import process
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.run import RunState
from hummingbird.errors import DatabaseUnavailable
from hummingbird.reconcilers.fleet.orphan import owner_name, take_over

LOG = logging.getLogger(__name__)

BEATS_A_LEASE: Final = 3
FENCE_SHARE: Final = 0.8
"""Two beats may be missed (2/3), and a fifth is left to end what is running."""


class NameTaken(Exception):
    """Another process of this name is alive; this one must end."""


class LeaseLost(Exception):
    """The lease could not be renewed in time; others may have our work."""


class Membership:
    """One life of one conductor."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        name: str,
        lease_seconds: float,
        max_attempts: int,
    ) -> None:
        self.name = name
        self.incarnation = str(uuid4())
        self._database = database
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._beaten_at = clock.monotonic()

    @property
    def owner(self) -> str:
        """What this life signs its work with."""
        return owner_name(self.name, self.incarnation)

    @property
    def beat_seconds(self) -> float:
        """Seconds between two beats."""
        return self._lease_seconds / BEATS_A_LEASE

    def join(self) -> tuple[int, int]:
        """Register, and give back what a former life of this name held.

        :returns: how many runs were taken over, and how many hosts released.
        :raises DatabaseUnavailable: try again later.
        """
        with self._database.writer() as connection:
            process.register(
                connection,
                name=self.name,
                kind="conductor",
                incarnation=self.incarnation,
                now=self._clock.now(),
            )
            former = f"{self.name}/"
            running = run_repository.list_all(connection, states=[RunState.RUNNING])
            runs = sum(
                take_over(
                    connection,
                    run,
                    max_attempts=self._max_attempts,
                    now=self._clock.now(),
                )
                is not None
                for run in running
                if (run.owner or "").startswith(former) and run.owner != self.owner
            )
            owners = {
                host.reservation_owner or ""
                for host in host_repository.reserved(connection)
            }
            hosts = sum(
                host_repository.release_all(connection, owner=owner)
                for owner in owners
                if owner.startswith(former) and owner != self.owner
            )
        self._beaten_at = self._clock.monotonic()
        return runs, hosts

    def beat(self) -> None:
        """Give a sign of life.

        :raises NameTaken: another process has this name now.
        :raises LeaseLost: none could be given for too long.
        """
        began = self._clock.monotonic()
        try:
            with self._database.writer() as connection:
                is_ours = process.beat(
                    connection,
                    name=self.name,
                    incarnation=self.incarnation,
                    now=self._clock.now(),
                )
        except DatabaseUnavailable as error:
            silent = self._clock.monotonic() - self._beaten_at
            LOG.warning("No sign of life for %.0f s: %s", silent, error)
            if silent >= self._lease_seconds * FENCE_SHARE:
                raise LeaseLost from error
            return
        if not is_ours:
            raise NameTaken
        silent = began - self._beaten_at
        self._beaten_at = began
        if silent >= self._lease_seconds:
            # The beat came, but too late: for a while we counted as dead.
            raise LeaseLost

    def holds(self, connection: Connection) -> bool:
        """Return whether nobody has taken this one's name."""
        return process.is_registered(
            connection, name=self.name, incarnation=self.incarnation
        )

    def leave(self) -> None:
        """Say goodbye, after everything was given back."""
        try:
            with self._database.writer() as connection:
                process.unregister(
                    connection, name=self.name, incarnation=self.incarnation
                )
        except DatabaseUnavailable as error:
            LOG.warning("Could not say goodbye: %s", error)
