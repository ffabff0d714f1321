# SPDX-License-Identifier: Apache-2.0
"""The conductor: takes runs, drives reconcilers, and ends its work when it must not go on.

Threads: one that beats, one that takes runs, one a run, one a reconciler. A start first
gives back what its former self held. `stop` gives back what is in hand. Where the lease
was lost (see membership.py) all work is dropped and a new life begins; where another process
has taken this one's name, work is dropped for good and `ended` is set.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from hummingbird.clock import Clock
from hummingbird.conductor.crew import Crew
from hummingbird.conductor.membership import LeaseLost, Membership, NameTaken
from hummingbird.conductor.neighbours import Neighbours
from hummingbird.errors import HummingbirdError
from hummingbird.reconcilers.driver import Driver

LOG = logging.getLogger(__name__)

JOIN_RETRY_SECONDS: Final = 1.0


class ConductorService:
    """One conductor."""

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        name: str,
        workers: int,
        poll_seconds: float,
        lease_seconds: float,
        max_attempts: int,
        pass_on: Callable[[str], None] = lambda name: None,
    ) -> None:
        """
        :param name: unique among all conductors; its former life is known by it.
        :param pass_on: nudges all conductors, this one too.
        """
        self._pass_on = pass_on
        self.ended = threading.Event()
        """Set when another process of this name is alive: this one must exit."""
        self._neighbours = neighbours
        self._clock: Clock = neighbours.clock
        self._name = name
        self._workers = workers
        self._poll_seconds = poll_seconds
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._driver: Driver | None = None
        self._crew: Crew | None = None
        self._membership: Membership | None = None
        self._stopping = threading.Event()
        self._beater: threading.Thread | None = None
        self._told = ""
        """Why no new life could begin, as it was told last."""

    def start(self, driver: Driver) -> None:
        """Join, give back the former self's work, and begin; returns at once.

        :raises DatabaseUnavailable: the database does not answer at the start.
        """
        self._driver = driver
        self._begin_life()
        driver.start()
        self._beater = threading.Thread(target=self._beat, name="beat", daemon=True)
        self._beater.start()

    def stop(self) -> None:
        """Give back what is in hand and end; safe to call twice."""
        self._stopping.set()
        if self._beater is not None:
            self._beater.join(self._lease_seconds)
        if self._driver is not None:
            self._driver.stop()
        if self._crew is not None:
            self._crew.stop()
            self._crew = None
        if self._membership is not None:
            self._membership.leave()
            self._membership = None

    # --- what RPC and reconcilers ask ---------------------------------------------------

    def nudge(self, name: str = "run") -> None:
        """Hurry: "run", or a reconciler's name."""
        if name == "run":
            crew = self._crew
            if crew is not None:
                crew.nudge()
        elif self._driver is not None:
            self._driver.nudge(name)

    def hurry(self, name: str = "run") -> None:
        """Nudge, wherever it is looked after: what is done for the whole fleet, one
        conductor does, and it may be another."""
        self.nudge(name)
        if self._driver is not None and self._driver.is_elsewhere(name):
            self._pass_on(name)

    def look(self, name: str) -> None:
        """Have a reconciler look now, in the caller's thread."""
        if self._driver is not None:
            self._driver.run_once(name)

    def reconcilers(self) -> list[dict[str, Any]]:
        """Return the last report of each reconciler."""
        if self._driver is None:
            return []
        return [
            {**report.as_dict(), "conductor": self._name}
            for report in self._driver.reports()
        ]

    def ping(self) -> str:
        """Return this conductor's name."""
        return self._name

    def in_hand(self) -> tuple[str, frozenset[int]]:
        """Return this life's owner name and the runs that it works on."""
        crew = self._crew
        return (crew.owner, crew.in_hand()) if crew is not None else ("", frozenset())

    # --- lives --------------------------------------------------------------------------

    def _begin_life(self) -> None:
        membership = Membership(
            self._neighbours.database,
            clock=self._clock,
            name=self._name,
            lease_seconds=self._lease_seconds,
            max_attempts=self._max_attempts,
            allow=self._neighbours.allow_playbooks,
        )
        runs, hosts = membership.join()
        LOG.info(
            "Conductor %s: %d runs taken over, %d hosts released",
            membership.owner,
            runs,
            hosts,
        )
        self._membership = membership
        self._crew = Crew(
            self._neighbours,
            membership=membership,
            workers=self._workers,
            poll_seconds=self._poll_seconds,
        )
        self._crew.start()

    def _beat(self) -> None:
        while not self._clock.wait(self._stopping, seconds=self._beat_seconds()):
            membership, crew = self._membership, self._crew
            if membership is None or crew is None:
                self._begin_again()
                continue
            try:
                membership.beat()
            except NameTaken:
                LOG.critical("Another conductor has the name %s: ending", self._name)
                crew.fence()
                self._crew = self._membership = None
                self.ended.set()
                return
            except LeaseLost:
                LOG.error("The lease was lost: all work is dropped")
                crew.fence()
                self._crew = self._membership = None

    def _beat_seconds(self) -> float:
        if self._membership is None:
            return JOIN_RETRY_SECONDS
        return self._membership.beat_seconds

    def _begin_again(self) -> None:
        try:
            self._begin_life()
            self._told = ""
        except HummingbirdError as error:
            if self._told != str(error):
                self._told = str(error)
                LOG.warning("Can't begin again yet: %s", error)
