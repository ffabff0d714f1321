# SPDX-License-Identifier: Apache-2.0
"""What is done with one datagram: check, note, answer. No I/O but the answer it returns.

The tag is checked first, with a key that is derived and not looked up, so that whoever
has no key costs one HMAC and learns nothing. A good tag of a session that is not in
memory asks for a look-up; the datagram waits for it, and nothing else does.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from uuid import UUID

from hummingbird.clock import Clock
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.session import LiveSession, Sessions
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack, Beat, Head, Kind, Wanted

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


class Listener:
    """Takes beats in; called by the socket's loop and by the look-up's."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        ledger: Ledger,
        clock: Clock,
        period_seconds: Callable[[], float],
        database_answers: Callable[[], bool],
        renew_before: timedelta,
    ) -> None:
        """
        :param period_seconds: returns how often hosts are to beat.
        :param database_answers: returns whether it did when last asked.
        :param renew_before: an agent whose session ends sooner is reminded.
        """
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._period_seconds = period_seconds
        self._database_answers = database_answers
        self._renew_before = renew_before
        self._taken = self._replayed = self._refused = 0

    @property
    def counts(self) -> Counts:
        """What came in so far."""
        return Counts(self._taken, self._replayed, self._refused)

    def answer(self, data: bytes, *, looked_up: bool = False) -> bytes | Fate:
        """Return the answer to a datagram, or why there is none.

        :param looked_up: the database was asked: who is not in memory is nowhere.
        """
        try:
            said = wire.head(data)
            if said.kind is not Kind.BEAT:
                raise wire.DatagramInvalid("not a beat")
            live = self._sessions.get(said.session)
            key = live.key if live else self._sessions.keys.of(said.session)
            beat = wire.open_beat(data, key=key)
        except wire.DatagramInvalid:
            self._refused += 1
            return Fate.DROPPED
        if live is None:
            return wire.unknown_session(said) if looked_up else Fate.LOOK_UP
        return self._take(live, beat, said=said)

    def _take(self, live: LiveSession, beat: Beat, *, said: Head) -> bytes | Fate:
        now = self._clock.now()
        if live.of.expires_at <= now and self._database_answers():
            return wire.unknown_session(said)
        with live.lock:
            if not live.window.take(beat.sequence):
                self._replayed += 1
                return Fate.DROPPED
            is_new = beat.first_sequence > live.last_first_sequence
            if is_new:
                live.last_first_sequence = beat.first_sequence
            highest = live.window.highest
        self._taken += 1
        self._ledger.note_sequence(live.of.id, highest)
        period = self._period_seconds()
        if live.of.agent == HOST_AGENT:
            path = beat.path or wire.UNKNOWN_PATH
            self._ledger.hear(
                Heartbeat(
                    host_id=live.of.host_id,
                    last_heard_at=now,
                    period_seconds=period,
                    boot_id=str(UUID(bytes=beat.boot_id)),
                    uptime_seconds=beat.uptime_seconds,
                    beats=int(is_new),
                    rtt_seconds=path.rtt_seconds,
                    sent=path.sent or None,
                    lost=path.lost if path.sent else None,
                    path_mtu=path.mtu,
                    heard_seconds=self._clock.monotonic(),
                )
            )
        elif not live.report_wanted:
            # The sysinv-agent knocks when it finds its host as it was.
            self._ledger.note_unchanged(live.of.host_id, now)
        wanted = Wanted.REPORT if live.report_wanted else Wanted.NOTHING
        if live.of.expires_at - now < self._renew_before:
            wanted |= Wanted.SESSION
        return wire.seal_ack(
            Ack(
                session=beat.session,
                sequence=beat.sequence,
                next_period_seconds=period,
                wanted=wanted,
            ),
            key=live.key,
        )
