# SPDX-License-Identifier: Apache-2.0
"""An API's place among our processes: its signs of life, and what it sees of the others.

Written every BEAT_SECONDS, from the thread that minds the service. A database that is away
is no matter: the next sign is as good. Whoever deleted the row, or has its name, is overruled
by the next sign of this one: it is what listens there.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.repository import process
from hummingbird.db.session import Connection, Database
from hummingbird.domain.process import API, Process
from hummingbird.domain.process_watch import ProcessWatch
from hummingbird.errors import HummingbirdError

LOG = logging.getLogger(__name__)

BEAT_SECONDS: Final = 10.0


class SharedWatch:
    """What this API has seen of processes; its threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watch = ProcessWatch()

    def silent(
        self, seen: Iterable[Process], *, asked_at: float
    ) -> list[tuple[Process, float]]:
        """Return each process and for how many seconds at least it has been silent."""
        with self._lock:
            return self._watch.silent(seen, asked_at=asked_at)


class Presence:
    """One life of one API."""

    def __init__(
        self, database: Database, *, clock: Clock, name: str, watch: SharedWatch
    ) -> None:
        """:param watch: learns what the other processes do."""
        self._database = database
        self._clock = clock
        self._name = name
        self._watch = watch
        self._incarnation = str(uuid4())
        self._due = clock.monotonic()

    def mind(self) -> None:
        """Give a sign of life if it is time, and look at the others."""
        asked_at = self._clock.monotonic()
        if asked_at < self._due:
            return
        self._due = asked_at + BEAT_SECONDS
        try:
            self._database.write(self._beat)
            with self._database.reader() as connection:
                self._watch.silent(process.everything(connection), asked_at=asked_at)
        except HummingbirdError as error:
            LOG.debug("No sign of life: %s", error)

    def leave(self) -> None:
        """Say goodbye."""
        try:
            with self._database.writer() as connection:
                process.unregister(
                    connection, name=self._name, incarnation=self._incarnation
                )
        except HummingbirdError as error:
            LOG.warning("Could not say goodbye: %s", error)

    def _beat(self, connection: Connection) -> None:
        now = self._clock.now()
        known = process.beat(
            connection, name=self._name, incarnation=self._incarnation, now=now
        )
        if not known:
            process.register(
                connection,
                name=self._name,
                kind=API,
                incarnation=self._incarnation,
                now=now,
            )
