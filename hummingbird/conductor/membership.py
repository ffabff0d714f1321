# SPDX-License-Identifier: Apache-2.0
"""A conductor's place among the living: registered, with a lease that it renews.

It counts as dead to others when they have seen no new beat for the length of the lease, by
their own clocks. It beats every third of the lease, and its fence falls, by its own clock,
FENCE_SHARE of the lease after the beginning of its last beat: what is still running has the
rest of it to end. Playbooks are ended then by their guards, which need nobody of this
process for that. Clocks of several controllers need not agree.
"""

import logging
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.conductor.fence import Fence
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import host_hold, process
from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.run import RunState
from hummingbird.errors import DatabaseUnavailable
from hummingbird.reconcilers.fleet.orphan import owner_name, take_over

LOG = logging.getLogger(__name__)

BEATS_A_LEASE: Final = 3
FENCE_SHARE: Final = 0.8
"""Two beats may be missed (2/3), and a fifth is left to end what is running."""
RETRY_SECONDS: Final = 1.0
"""After a beat that could not be written."""


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
        allow: Callable[[str, float], None] = lambda life, seconds: None,
    ) -> None:
        """
        :param allow: lets this life's playbooks run for so many seconds from now.
        """
        self.name = name
        self.incarnation = str(uuid4())
        self._database = database
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._allow = allow
        self._beaten_at = clock.monotonic()
        self._has_missed = False
        self.fence = Fence(clock)
        """Down when this life must do nothing more."""

    @property
    def owner(self) -> str:
        """What this life signs its work with."""
        return owner_name(self.name, self.incarnation)

    @property
    def beat_seconds(self) -> float:
        """Seconds until the next beat: a third of the lease from the beginning of the last
        one, however long that took."""
        usual = self._lease_seconds / BEATS_A_LEASE
        if self._has_missed:
            return min(RETRY_SECONDS, usual)
        return max(0.0, self._beaten_at + usual - self._clock.monotonic())

    def join(self) -> tuple[int, int]:
        """Register, and give back what a former life of this name held.

        :returns: how many runs were taken over, and how many hosts released.
        :raises DatabaseUnavailable: try again later.
        """
        began = self._clock.monotonic()
        with self._database.writer() as connection:
            process.register(
                connection,
                name=self.name,
                kind="conductor",
                incarnation=self.incarnation,
                now=self._clock.now(),
            )
            reserved = host_repository.reserved(connection)
            host_hold.hold_all(
                connection,
                [one.id for one in reserved if self._is_former(one.reservation_owner)],
            )
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
                if self._is_former(run.owner)
            )
            owners = {
                host.reservation_owner or ""
                for host in host_repository.reserved(connection)
            }
            hosts = sum(
                host_repository.release_all(connection, owner=owner)
                for owner in sorted(owners)
                if self._is_former(owner)
            )
        self._extend(began)
        return runs, hosts

    def _is_former(self, owner: str | None) -> bool:
        return (owner or "").startswith(f"{self.name}/") and owner != self.owner

    def beat(self) -> None:
        """Give a sign of life.

        :raises NameTaken: another process has this name now.
        :raises LeaseLost: none could be given for too long.
        """
        began = self._clock.monotonic()
        try:
            is_ours = self._database.write(self._beat)
        except DatabaseUnavailable as error:
            silent = self._clock.monotonic() - self._beaten_at
            if not self._has_missed:
                LOG.warning("No sign of life for %.0f s: %s", silent, error)
            self._has_missed = True
            if self.fence.is_set():
                raise LeaseLost from error
            return
        if not is_ours:
            raise NameTaken
        self._has_missed = False
        self._extend(began)

    def _beat(self, connection: Connection) -> bool:
        return process.beat(
            connection,
            name=self.name,
            incarnation=self.incarnation,
            now=self._clock.now(),
        )

    def _extend(self, began: float) -> None:
        """Have the fence stand for its share of the lease from `began` on.

        :raises LeaseLost: the beat came too late; for a while we may have counted as dead.
        """
        if not self.fence.extend(began + self._lease_seconds * FENCE_SHARE):
            raise LeaseLost
        self._beaten_at = began
        self._tell_playbooks(self.fence.seconds_left)

    def lower_fence(self) -> None:
        """Do nothing more in this life."""
        self.fence.set()
        self._tell_playbooks(0.0)

    def _tell_playbooks(self, seconds: float) -> None:
        try:
            self._allow(self.incarnation, seconds)
        except OSError as error:
            LOG.error("Playbooks will end early, or late: %s", error)

    def holds(self, connection: Connection) -> bool:
        """Return whether this life may work: nobody has taken its name, and its fence
        stands."""
        return not self.fence.is_set() and process.is_registered(
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
