# SPDX-License-Identifier: Apache-2.0
"""A gateway without its sockets: what it hears goes through the product's ledger and
batches to the database."""

from datetime import timedelta
from typing import Final

from hummingbird.clock import Clock
from hummingbird.db.repository import heartbeat
from hummingbird.db.session import Database
from hummingbird.domain.heartbeat import AgentSession, Heartbeat
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.flush import Flush
from hummingbird.gateway.keys import SessionKeys
from hummingbird.gateway.ledger import Heard, Ledger
from hummingbird.gateway.session import Sessions

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
        self._sequence = 0
        self._session_of: dict[int, AgentSession] = {}

    def start(self) -> None:
        """Begin a life: listen, and say so."""
        self._ledger = Ledger()
        self._flush = Flush(
            name=self._name,
            database=self._database,
            sessions=Sessions(
                self._database, SessionKeys(b"k" * 32), clock=self._clock
            ),
            ledger=self._ledger,
            clock=self._clock,
            seconds=FLUSH_SECONDS,
            unwritten_seconds=5.0,
            period_seconds=lambda: 10.0,
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

    @property
    def sends_elsewhere(self) -> bool:
        """Whether it tells its agents that it can't write what they say."""
        return self._flush is not None and not self._flush.is_writing()

    def hear(self, beat: Heartbeat) -> None:
        """Take a beat, in a session of its host."""
        session = self._session(beat.host_id)
        self._sequence += 1
        self._ledger.hear(
            Heard(
                number=session.id,
                row=session.id,
                nonce=session.nonce,
                host_id=beat.host_id,
                sequence=self._sequence,
                beat=beat,
            )
        )

    def _session(self, host_id: int) -> AgentSession:
        known = self._session_of.get(host_id)
        try:
            self._session_of[host_id] = self._stored_session(host_id, known)
        except DatabaseUnavailable:
            if known is None:
                raise
        return self._session_of[host_id]

    def _stored_session(self, host_id: int, known: AgentSession | None) -> AgentSession:
        with self._database.writer() as connection:
            found = known and heartbeat.find_session(connection, known.id)
            if found:
                return found
            row = heartbeat.open_session(
                connection,
                host_id=host_id,
                agent="mtc-client",
                node_uid="n",
                pod_uid="p",
                expires_at=self._clock.now() + timedelta(days=365),
            )
            made = heartbeat.find_session(connection, row)
        assert made is not None
        return made

    def write(self) -> bool:
        """Write one batch, as the product does once a second."""
        return self._flush is not None and self._flush.write()
