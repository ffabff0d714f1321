# SPDX-License-Identifier: Apache-2.0
"""Writes what was heard to the database, in batches, and with it through when it is all.

Both are one transaction, so that who judges silence sees either both or none
(domain/hearing.py). When nothing could be written for so long that the others have given
this gateway up, it says that it has been listening only since now.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.repository import facts, hearing, heartbeat
from hummingbird.db.session import Connection, Database
from hummingbird.domain.hearing import GatewayRecord, ListeningClock
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.ledger import Batch, Ledger
from hummingbird.gateway.session import REFRESH_SECONDS, Sessions

LOG = logging.getLogger(__name__)

GONE_FLUSHES: Final = 5
GONE_MIN_SECONDS: Final = 5.0
"""A gateway that missed five batches, and at least 5 s, is given up: it does not listen, or
what it hears is not seen."""


class Flush:
    """The thread between memory and database."""

    def __init__(
        self,
        *,
        name: str,
        database: Database,
        sessions: Sessions,
        ledger: Ledger,
        clock: Clock,
        seconds: float,
        also: Callable[[], None],
    ) -> None:
        """
        :param name: of this gateway among all processes.
        :param seconds: between two batches.
        :param also: called as often as sessions are looked at again.
        """
        self._name = name
        self._database = database
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._seconds = seconds
        self._also = also
        self._incarnation = str(uuid4())
        self._gone_after = max(GONE_MIN_SECONDS, GONE_FLUSHES * seconds)
        self._hand = ListeningClock()
        self._listening_since: float | None = None
        """On the listening clock; None: not said yet."""
        self._written_at = clock.monotonic()
        self._refresh_at = clock.monotonic() + REFRESH_SECONDS
        self._answers = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)

    def answers(self) -> bool:
        """Return whether the database did, when it was last asked."""
        return self._answers

    def start(self) -> None:
        """Say that this gateway listens, and write from now on."""
        self.write()
        self._thread.start()

    def stop(self) -> None:
        """Write the last batch and say goodbye."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if not self.write(farewell=True):
            LOG.warning("Could not say goodbye")

    def write(self, *, farewell: bool = False) -> bool:
        """Write one batch; return whether that went through.

        :param farewell: nothing is heard after it.
        """
        # In this order: all that was heard until then is in the batch.
        until = self._clock.monotonic()
        batch = self._ledger.take()
        try:
            with self._database.writer() as connection:
                record = self._record(connection, until=until, farewell=farewell)
                hearing.write(connection, record, now=self._clock.now())
                heartbeat.put(connection, self._placed(batch))
                heartbeat.note_sequences(connection, batch.sequences)
                facts.confirm(connection, batch.unchanged)
        except BaseException as error:
            self._ledger.put_back(batch)
            if not isinstance(error, DatabaseUnavailable):
                raise
            self._note(answers=False, why=str(error))
            return False
        self._listening_since = record.listening_since
        self._written_at = until
        self._note(answers=True)
        return True

    def _record(
        self, connection: Connection, *, until: float, farewell: bool
    ) -> GatewayRecord:
        now = self._clock.monotonic()
        value = self._hand.advance(
            shared=hearing.shared_clock(connection), monotonic=now
        )
        since = self._listening_since
        if since is None or now - self._written_at > self._gone_after:
            since = self._hand.at(until)
        return GatewayRecord(
            name=self._name,
            incarnation=self._incarnation,
            clock=value,
            listening_since=since,
            complete=self._hand.at(until),
            gone_after=self._gone_after,
            farewell=farewell,
        )

    def _placed(self, batch: Batch) -> Iterator[Heartbeat]:
        """Yield the beats with their moments on the listening clock."""
        for beat in batch.beats.values():
            heard = self._hand.at(beat.heard_seconds or 0.0)
            yield replace(beat, heard_seconds=heard, gateway=self._name)

    def refresh(self) -> None:
        """Look at the sessions again, if it is time."""
        if self._clock.monotonic() < self._refresh_at:
            return
        self._also()
        try:
            self._sessions.refresh()
        except DatabaseUnavailable as error:
            self._note(answers=False, why=str(error))
            return
        self._refresh_at = self._clock.monotonic() + REFRESH_SECONDS

    def _note(self, *, answers: bool, why: str = "") -> None:
        if answers == self._answers:
            return
        self._answers = answers
        if answers:
            LOG.info("The database answers again; what was heard is written")
        else:
            LOG.warning("Heartbeats are kept in memory: %s", why)

    def _run(self) -> None:
        while not self._clock.wait(self._stopping, seconds=self._seconds):
            try:
                self.write()
                self.refresh()
            except Exception:
                LOG.exception("A batch failed")
