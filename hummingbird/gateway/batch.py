# SPDX-License-Identifier: Apache-2.0
"""Writes what was heard in one transaction, and finds what can't be written.

A batch is written whole, with this gateway's record, or not at all. Where the database
refuses a value in it, the batch is halved until the entries that it refuses are alone:
those are dropped and counted, all others are written, and the record goes last. Where it
refuses another thing, nothing of the batch is dropped, for the next one would be, too.

A datagram counts once, whoever of several gateways has taken it: an entry none of whose
sequences is higher than what the database has of its session is left out.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.failure import is_of_data
from hummingbird.db.repository import facts, hearing, heartbeat
from hummingbird.db.session import Connection, Database
from hummingbird.domain.hearing import GatewayRecord
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.ledger import Heard, beats_by_host

LOG = logging.getLogger(__name__)

Known = dict[int, int | None]

ENDED: Final = 2**63
"""Above every sequence: what is heard of a session that has ended is not written."""
SAID_SECONDS: Final = 60.0
"""Each kind of fault is told in the log this often at most."""
SAID_MOST: Final = 200
"""Characters of a fault that are told: a database names all values of a statement."""


class BatchWriter:
    """Writes batches of one gateway."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        record: Callable[[Connection], GatewayRecord],
        placed: Callable[[Heartbeat], Heartbeat],
    ) -> None:
        """
        :param record: returns what the gateway says of itself, within a transaction.
        :param placed: returns a beat with its moment on the listening clock; called after
            `record`.
        """
        self._database = database
        self._clock = clock
        self._record = record
        self._placed = placed
        self._said: dict[str, float] = {}
        self.dropped = 0
        """Entries that could not be written, since the start."""
        self.repeated = 0
        """Entries that another gateway had written, since the start."""

    def write(self, batch: Sequence[Heard]) -> Known:
        """Write all of it; return, of each session by its number, the highest sequence
        that was written before, by whatever gateway; None: it has ended.

        :raises DatabaseUnavailable: nothing is certain to be written.
        """
        try:
            return self._put(batch, with_record=True)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if not batch or not is_of_data(error):
                raise
            self.say("halved", f"A batch of {len(batch)} is halved: {brief(error)}")
        known = self._put_parts(batch)
        self._put((), with_record=True)
        return known

    def say(self, kind: str, text: str) -> None:
        """Tell the log, unless this kind was told a moment ago."""
        now = self._clock.monotonic()
        said = self._said.get(kind)
        if said is None or now - said >= SAID_SECONDS:
            self._said[kind] = now
            LOG.error("%s", text)

    def _put_parts(self, some: Sequence[Heard]) -> Known:
        try:
            return self._put(some, with_record=False)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if not is_of_data(error):
                raise
            if len(some) == 1:
                self._drop(some[0], error)
                return {}
        half = len(some) // 2
        return self._put_parts(some[:half]) | self._put_parts(some[half:])

    def _drop(self, heard: Heard, error: Exception) -> None:
        self.dropped += 1
        self.say(
            f"dropped {type(error).__name__}",
            f"What host {heard.host_id} said can't be written and is dropped"
            f" ({self.dropped} since the start): {brief(error)}",
        )

    def _put(self, batch: Sequence[Heard], *, with_record: bool) -> Known:
        with self._database.writer() as connection:
            if with_record:
                record = self._record(connection)
                hearing.write(connection, record, now=self._clock.now())
            if not batch:
                return {}
            known = self._known(connection, batch)
            new = [one for one in batch if one.sequence > known.get(one.number, ENDED)]
            beats = [self._placed(beat) for beat in beats_by_host(new)]
            heartbeat.put(connection, beats)
            heartbeat.note_sequences(connection, {one.row: one.sequence for one in new})
            facts.confirm(
                connection,
                {one.host_id: one.unchanged_at for one in new if one.unchanged_at},
            )
        self.repeated += len(known) - len(new)
        return {one.number: known.get(one.number) for one in batch}

    @staticmethod
    def _known(connection: Connection, batch: Sequence[Heard]) -> dict[int, int]:
        """Return what is known of those that have not ended."""
        rows = heartbeat.lock_sequences(connection, [one.row for one in batch])
        known: dict[int, int] = {}
        for one in batch:
            nonce, highest = rows.get(one.row, (None, ENDED))
            if one.row in rows and nonce == one.nonce:
                known[one.number] = highest
        return known


def brief(error: BaseException) -> str:
    """Return what a fault is, short and on one line: its text may hold all that was
    written, which is of hosts."""
    text = str(getattr(error, "orig", None) or error).partition("\n")[0]
    tame = "".join(c for c in text if c.isprintable())[:SAID_MOST]
    return f"{type(error).__name__}: {tame}"


def placed_by(
    at: Callable[[float], float], *, gateway: str
) -> Callable[..., Heartbeat]:
    """Return what puts a beat on the listening clock, as heard by this gateway.

    :param at: returns what that clock said at a monotonic time of this process.
    """

    def place(beat: Heartbeat) -> Heartbeat:
        heard = at(beat.heard_seconds or 0.0)
        return replace(beat, heard_seconds=heard, gateway=gateway)

    return place
