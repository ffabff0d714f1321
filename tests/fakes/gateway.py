# SPDX-License-Identifier: Apache-2.0
"""A gateway without its sockets: what it hears goes through the product's ledger and
batches to the database."""

from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.session import Database
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.gateway.flush import Flush
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.session import SessionKeys, Sessions

FLUSH_SECONDS: Final = 1.0


class FakeGateway:
    """One gateway of one controller."""

    def __init__(self, database: Database, *, name: str, clock: Clock) -> None:
        self.is_up = False
        self._database = database
        self._name = name
        self._clock = clock
        self._ledger = Ledger()
        self._flush: Flush | None = None

    def start(self) -> None:
        """Begin a life: listen, and say so."""
        self._ledger = Ledger()
        self._flush = Flush(
            name=self._name,
            database=self._database,
            sessions=Sessions(self._database, SessionKeys(b"k" * 32)),
            ledger=self._ledger,
            clock=self._clock,
            seconds=FLUSH_SECONDS,
            also=lambda: None,
        )
        self.is_up = True
        self.write()

    def die(self) -> None:
        """End as by SIGKILL: what was not written is lost."""
        self.is_up, self._flush = False, None

    def end(self) -> None:
        """End in order: write the rest, and say farewell."""
        if self._flush is not None:
            self._flush.stop()
        self.die()

    def hear(self, beat: Heartbeat) -> None:
        """Take a beat; `heard_seconds` is set here."""
        self._ledger.hear(beat)

    def write(self) -> bool:
        """Write one batch, as the product does once a second."""
        return self._flush is not None and self._flush.write()
