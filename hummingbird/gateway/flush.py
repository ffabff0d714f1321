# SPDX-License-Identifier: Apache-2.0
"""Writes what was heard to the database, in batches, and with it through when it is all.

Both are one transaction, so that who judges silence sees either both or none
(domain/hearing.py). Where nothing was heard there is nothing to write but that this
gateway listens, and that only each IDLE_SHARE of a heartbeat's period.

When nothing could be written for `unwritten_seconds`, the gateway does not acknowledge what
it hears and sends its agents elsewhere (`is_writing`), and says in its record that it is
not to be waited for longer. When that has come to pass, it says with its next batch that it
has been listening only since now; and so it does when the database was put back to an older
copy.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from hummingbird.clock import Clock
from hummingbird.db.repository import hearing
from hummingbird.db.session import Connection, Database
from hummingbird.domain.hearing import GatewayRecord, ListeningClock
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.batch import BatchWriter, brief, placed_by
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.session import Sessions

LOG = logging.getLogger(__name__)

IDLE_SHARE: Final = 0.2
"""Of a period; two seconds of ten. It is how much later than otherwise silence is told
where no host at all is heard, or none by this gateway of several."""
IDLE_UNWRITTEN_SHARE: Final = 0.4
"""Of `unwritten_seconds`: a batch that is late may not look like one that failed."""
GIVEN_UP_SECONDS: Final = 3.0
GIVEN_UP_FLUSHES: Final = 3
"""After it sends agents elsewhere, a gateway is waited for so much longer: their next beats
are on their way, and what others heard must be written."""
MIND_SECONDS: Final = 15.0
"""Between two looks at what else is to be minded."""
STOP_SECONDS: Final = 5.0
"""How long a batch that is being written at the end is waited for."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How well a gateway can write what it hears."""

    is_writing: bool
    """False: agents are sent elsewhere."""
    failing_seconds: float
    """Since when nothing could be written; 0: the last batch was."""
    waiting: int
    """Sessions whose words wait to be written."""
    dropped: int
    """Words that the database refused, since the start."""


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
        unwritten_seconds: float,
        period_seconds: Callable[[], float],
        also: Callable[[], None],
        heard_until: Callable[[], float] | None = None,
    ) -> None:
        """
        :param name: of this gateway among all processes.
        :param seconds: between two batches.
        :param unwritten_seconds: without a batch that was written, until agents are sent
            elsewhere.
        :param period_seconds: returns how often hosts are to beat.
        :param also: called now and then.
        :param heard_until: returns the monotonic time up to which all that has arrived
            is in the ledger; default: it always is.
        """
        self._name = name
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._seconds = seconds
        self._unwritten_seconds = unwritten_seconds
        self._period_seconds = period_seconds
        self._also = also
        self._heard_until = heard_until or clock.monotonic
        self._incarnation = str(uuid4())
        self._gone_after = unwritten_seconds + max(
            GIVEN_UP_SECONDS, GIVEN_UP_FLUSHES * seconds
        )
        self._hand = ListeningClock()
        self._record: GatewayRecord | None = None
        """As it was written last."""
        self._until = clock.monotonic()
        self._says_farewell = False
        self._written_at = clock.monotonic()
        self._failing_since: float | None = None
        self._also_at = clock.monotonic()
        self._writer = BatchWriter(
            database,
            clock=clock,
            record=self._make_record,
            placed=placed_by(self._hand.at, gateway=name),
        )
        self._made: GatewayRecord | None = None
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)

    def is_writing(self) -> bool:
        """Return whether what is heard now is going to be seen in time."""
        unwritten = self._clock.monotonic() - self._written_at
        return unwritten < self._unwritten_seconds

    def health(self) -> Health:
        """Return how well it goes."""
        since = self._failing_since
        return Health(
            is_writing=self.is_writing(),
            failing_seconds=0.0 if since is None else self._clock.monotonic() - since,
            waiting=len(self._ledger),
            dropped=self._writer.dropped,
        )

    def start(self) -> None:
        """Say that this gateway listens, and write from now on."""
        self.write()
        self._thread.start()

    def stop(self) -> None:
        """Write the last batch and say farewell; nothing is heard any more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            LOG.warning("The database does not answer; ending without a farewell")
            return
        self._says_farewell = True
        if not self.write():
            LOG.warning("What was heard last could not be written, nor a farewell")

    def write(self) -> bool:
        """Write one batch; return whether that went through."""
        with self._guard:
            return self._write()

    def _write(self) -> bool:
        # In this order: all that was heard until then is in the batch.
        self._until = self._heard_until()
        batch = self._ledger.take()
        try:
            known = self._writer.write(batch)
        except Exception as error:  # noqa: BLE001 - told, if not each second
            self._ledger.put_back(batch)
            self._note_failure(error)
            return False
        self._record = self._made
        self._written_at = self._until
        if self._failing_since is not None:
            LOG.info("What was heard is written again")
            self._failing_since = None
        self._sessions.learn(known)
        return True

    def step(self) -> None:
        """Do what is due; to be called each `seconds`."""
        if self._is_due():
            self.write()
        self._mind()

    def _mind(self) -> None:
        """Look at some sessions again, and at what else is to be minded."""
        try:
            self._sessions.refresh()
        except DatabaseUnavailable as error:
            LOG.debug("Sessions could not be looked at again: %s", error)
        now = self._clock.monotonic()
        if now - self._also_at >= MIND_SECONDS:
            self._also_at = now
            self._also()

    def _make_record(self, connection: Connection) -> GatewayRecord:
        now = self._clock.monotonic()
        clocks = hearing.clocks(connection)
        former = self._record
        has_a_break = now - self._written_at > self._gone_after
        if former is not None and clocks.get(self._incarnation, -1.0) < former.clock:
            # The database is an older copy: its clock goes on from there, so that what
            # it has of the hosts gets no older by that.
            self._hand.forget()
            has_a_break = True
        value = self._hand.advance(shared=max(clocks.values()), monotonic=now)
        self._made = GatewayRecord(
            name=self._name,
            incarnation=self._incarnation,
            clock=value,
            listening_since=self._hand.at(self._until)
            if former is None or has_a_break
            else former.listening_since,
            complete=self._hand.at(self._until),
            gone_after=self._gone_after,
            farewell=self._says_farewell,
        )
        return self._made

    def _note_failure(self, error: Exception) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        if isinstance(error, DatabaseUnavailable):
            text = f"Heartbeats are kept in memory: {error}"
        else:
            text = f"Heartbeats can't be written: {brief(error)}"
        self._writer.say(f"failed {type(error).__name__}", text)

    def _is_due(self) -> bool:
        """Return whether there is anything to write."""
        if len(self._ledger) or self._failing_since is not None:
            return True
        idle = min(
            IDLE_SHARE * self._period_seconds(),
            IDLE_UNWRITTEN_SHARE * self._unwritten_seconds,
        )
        return self._clock.monotonic() - self._written_at >= idle

    def _run(self) -> None:
        while not self._clock.wait(self._stopping, seconds=self._seconds):
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 - told, if not each second
                self._writer.say(f"loop {type(error).__name__}", brief(error))
