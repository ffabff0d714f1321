# SPDX-License-Identifier: Apache-2.0
"""What is done with one datagram: check, note, answer. No I/O but the answer it returns.

Of a session in memory the tag is checked, so that whoever has no key costs one HMAC and
learns nothing. Another number is looked up only if it can be that of a session
(keys.py); the datagram waits for it, and nothing else does.

What is heard while nothing can be written is noted as well, and its agent is sent to
another gateway; once this one ends, it is not noted either.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from uuid import UUID

from hummingbird.clock import Clock
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.gateway.ledger import Heard, Ledger
from hummingbird.gateway.session import LiveSession, Sessions
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack, Beat, Head, Wanted

LOG = logging.getLogger(__name__)

HOST_AGENT = "mtc-client"
"""The agent whose beats are the host's; another agent's only keep its session."""


class Fate(Enum):
    """What became of a datagram that got no answer."""

    DROPPED = "dropped"
    LOOK_UP = "look up"
    """Its session is not in memory."""


@dataclass(frozen=True)
class Counts:
    """Datagrams since the start."""

    taken: int
    replayed: int
    refused: int
    turned_away: int
    """Of those taken: answered by "elsewhere"."""


class Listener:
    """Takes beats in; called by the socket's loop and by the look-up's."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        ledger: Ledger,
        clock: Clock,
        period_seconds: Callable[[], float],
        is_writing: Callable[[], bool],
        renew_before: timedelta,
    ) -> None:
        """
        :param period_seconds: returns how often hosts are to beat.
        :param is_writing: returns whether what is heard is written in time.
        :param renew_before: an agent whose session ends sooner is reminded.
        """
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._period_seconds = period_seconds
        self._is_writing = is_writing
        self._renew_before = renew_before
        self._is_closed = False
        self._taken = self._replayed = self._refused = self._turned_away = 0

    @property
    def counts(self) -> Counts:
        """What came in so far."""
        return Counts(self._taken, self._replayed, self._refused, self._turned_away)

    @property
    def is_closed(self) -> bool:
        """Whether it notes nothing more."""
        return self._is_closed

    def close(self) -> None:
        """Note nothing more: from now on everybody is sent elsewhere."""
        self._is_closed = True

    def farewells(self) -> Iterator[tuple[bytes, object]]:
        """Yield a datagram for each host that this gateway has heard and may hear again,
        and where its last one came from."""
        for live in self._sessions.all():
            sequence = live.window.highest
            if live.origin is not None and live.of.agent == HOST_AGENT and sequence:
                yield self._elsewhere(live, sequence), live.origin

    def answer(
        self, data: bytes, *, looked_up: bool = False, origin: object = None
    ) -> bytes | Fate:
        """Return the answer to a datagram, or why there is none.

        :param looked_up: the database was asked: who is not in memory is nowhere.
        :param origin: where it came from, for a farewell.
        """
        if not wire.is_beat(data):
            self._refused += 1
            return Fate.DROPPED
        try:
            said = wire.head(data)
            live = self._sessions.get(said.session)
            if live is None:
                return self._unknown(data, said, looked_up=looked_up)
            beat = wire.open_beat(data, key=live.key)
        except wire.DatagramInvalid:
            self._refused += 1
            return Fate.DROPPED
        return self._take(live, beat, said=said, origin=origin)

    def _unknown(self, data: bytes, said: Head, *, looked_up: bool) -> bytes | Fate:
        keys = self._sessions.keys
        row = keys.row_of(said.session)
        if row is None:
            raise wire.DatagramInvalid("no such number was ever given out")
        if row == said.session:
            wire.open_beat(data, key=keys.key_of_before(row))
        if looked_up or self._sessions.has_ended(said.session):
            return wire.unknown_session(said)
        return Fate.LOOK_UP

    def _take(
        self, live: LiveSession, beat: Beat, *, said: Head, origin: object
    ) -> bytes | Fate:
        now = self._clock.now()
        is_writing = self._is_writing()
        if live.of.expires_at <= now and is_writing:
            return wire.unknown_session(said)
        with live.lock:
            if not live.window.take(beat.sequence):
                self._replayed += 1
                return Fate.DROPPED
            is_new = beat.first_sequence > live.last_first_sequence
            if is_new:
                live.last_first_sequence = beat.first_sequence
            live.origin = origin
            highest = live.window.highest
        self._taken += 1
        if self._is_closed:
            self._turned_away += 1
            return self._elsewhere(live, beat.sequence)
        is_host = live.of.agent == HOST_AGENT
        self._ledger.hear(
            Heard(
                number=live.number,
                row=live.of.id,
                nonce=live.of.nonce,
                host_id=live.of.host_id,
                sequence=highest,
                beat=self._heartbeat(live, beat, is_new=is_new) if is_host else None,
                # The sysinv-agent knocks when it finds its host as it was.
                unchanged_at=None if is_host or live.report_wanted else now,
            )
        )
        if not is_writing:
            self._turned_away += 1
            return self._elsewhere(live, beat.sequence)
        wanted = Wanted.REPORT if live.report_wanted else Wanted.NOTHING
        if live.of.expires_at - now < self._renew_before:
            wanted |= Wanted.SESSION
        return wire.seal_ack(
            Ack(
                session=beat.session,
                sequence=beat.sequence,
                next_period_seconds=self._period_seconds(),
                wanted=wanted,
            ),
            key=live.key,
        )

    def _heartbeat(self, live: LiveSession, beat: Beat, *, is_new: bool) -> Heartbeat:
        path = beat.path or wire.UNKNOWN_PATH
        return Heartbeat(
            host_id=live.of.host_id,
            last_heard_at=self._clock.now(),
            period_seconds=self._period_seconds(),
            boot_id=str(UUID(bytes=beat.boot_id)),
            uptime_seconds=beat.uptime_seconds,
            beats=int(is_new),
            rtt_seconds=path.rtt_seconds,
            sent=path.sent or None,
            lost=path.lost if path.sent else None,
            path_mtu=path.mtu,
            heard_seconds=self._clock.monotonic(),
        )

    def _elsewhere(self, live: LiveSession, sequence: int) -> bytes:
        return wire.seal_elsewhere(session=live.number, sequence=sequence, key=live.key)
