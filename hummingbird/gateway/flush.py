# SPDX-License-Identifier: Apache-2.0
"""Writes what was heard to the database, in batches, and with it "a gateway listens".

Both are one transaction, so that who judges silence sees either both or none. When
batches could not be written for longer than UNSEEN_PERIODS of them, the gateway says
that it has been listening only since now: what it heard meanwhile nobody could see, and
the conductors must not take that for silence of the hosts.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.repository import facts, heartbeat, process
from hummingbird.db.session import Database
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.session import REFRESH_SECONDS, Sessions

LOG = logging.getLogger(__name__)

KIND: Final = "gateway"
UNSEEN_PERIODS: Final = 5


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
        self._registered = False
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
        self.write()
        try:
            with self._database.writer() as connection:
                process.unregister(
                    connection, name=self._name, incarnation=self._incarnation
                )
        except DatabaseUnavailable as error:
            LOG.warning("Could not say goodbye: %s", error)

    def write(self) -> bool:
        """Write one batch; return whether that went through."""
        batch = self._ledger.take()
        try:
            with self._database.writer() as connection:
                now = self._clock.now()
                if not self._is_visible() or not process.beat(
                    connection, name=self._name, incarnation=self._incarnation, now=now
                ):
                    process.register(
                        connection,
                        name=self._name,
                        kind=KIND,
                        incarnation=self._incarnation,
                        now=now,
                    )
                heartbeat.put(connection, batch.beats.values())
                heartbeat.note_sequences(connection, batch.sequences)
                facts.confirm(connection, batch.unchanged)
        except BaseException as error:
            self._ledger.put_back(batch)
            if not isinstance(error, DatabaseUnavailable):
                raise
            self._note(answers=False, why=str(error))
            return False
        self._registered = True
        self._written_at = self._clock.monotonic()
        self._note(answers=True)
        return True

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

    def _is_visible(self) -> bool:
        """Return whether what was heard so far could be seen in time."""
        unseen = self._clock.monotonic() - self._written_at
        return self._registered and unseen <= UNSEEN_PERIODS * self._seconds

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
