# SPDX-License-Identifier: Apache-2.0
"""Decides when to beat, repeat and ask for a new session; does no I/O, reads no clock.

A beat goes out each period ±10 %, so that a fleet started together does not knock
together; until it is acknowledged it is repeated each second ±20 %, for as long as it
takes: constant repetition of a small datagram gets through a lossy link soonest. All
times are monotonic seconds, given by the caller.

Where there are several gateways, all know all sessions, so that whoever doubts the one it
beats at (its *home*) needs nothing to be heard by another: what home did not
acknowledge twice in a row goes to the others in turn, and home is from then on whoever acknowledged
it. A gateway that says "elsewhere" is left at once; once all have said so, this beat is not
repeated, for all are there and none can take it. The host is heard elsewhere within a
period, and the fleet is as spread as its beats are.
"""

import random
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.link.meter import Meter
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Beat, Kind, Wanted
from hummingbird.wire.session import Session

PERIOD_JITTER: Final = 0.1
REPEAT_JITTER: Final = 0.2
RENEW_AT: Final = 0.8
"""Share of a session's life after which the next one is asked for."""
SILENT_PERIODS: Final = 3.0
"""After so many periods without an ack the session is doubted: the gateway may have
moved, or lost its key. By then the host counts as lost there anyway."""
TURNED_AWAY_PERIODS: Final = 12.0
"""For so many periods without an ack a gateway that says "elsewhere" proves that the session
is none to doubt. After that gateways are looked up anew, for there may be others."""
HOME_TRIES: Final = 2
"""After so many datagrams without an ack the next gateway is tried: through a link that
loses a tenth, one beat in a hundred goes to another gateway, which costs nothing."""
SHORTEST_PERIOD_SECONDS: Final = 0.05
LONGEST_PERIOD_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Heard:
    """What a datagram that was received meant."""

    ack: bool = False
    wanted: Wanted = Wanted.NOTHING
    elsewhere: bool = False
    """A gateway can't take it."""


class Heart:
    """The rhythm of one session."""

    def __init__(
        self,
        session: Session,
        *,
        boot_id: UUID,
        now: float,
        rng: random.Random,
        meter: Meter | None = None,
        gateways: int = 1,
    ) -> None:
        """
        :param meter: goes on from the session before.
        :param gateways: how many there are; the first is beaten at.
        """
        self._session = session
        self._boot_id = boot_id.bytes
        self._rng = rng
        self._meter = meter or Meter()
        self._period = session.period_seconds
        self._sequence = 0
        self._first = 1
        self._begun_at = now
        self._next_beat_at = now
        self._repeat_at: float | None = None
        self._spread = 1.0
        self._acked_at = self._turned_away_at = now
        self._renew_at = now + session.expires_in_seconds * RENEW_AT
        self._refused = False
        self._gateways = gateways
        self._home = 0
        self._target = 0
        self._unheard = 0
        """Transmissions since home acknowledged one, or became home."""
        self._sent_to: dict[int, int] = {}
        """Which gateway each transmission of this beat went to."""
        self._turned_away: set[int] = set()
        """Gateways that said "elsewhere" to this beat."""

    @property
    def target(self) -> int:
        """Which of the gateways the last transmission is for, from 0."""
        return self._target

    @property
    def home(self) -> int:
        """Which of the gateways acknowledged last, or is to be tried first."""
        return self._home

    @property
    def period_seconds(self) -> float:
        """Seconds between two beats, as the gateway last said."""
        return self._period

    def due_at(self) -> float:
        """Return when to transmit next."""
        if self._repeat_at is None:
            return self._next_beat_at
        return min(self._next_beat_at, self._repeat_at)

    def transmit(
        self, *, now: float, uptime_seconds: int, mtu: int | None = None
    ) -> bytes:
        """Return the datagram to send now: a new beat, or the last one again.

        :param mtu: of the path, as far as the kernel knows.
        """
        self._sequence += 1
        if now >= self._next_beat_at or self._repeat_at is None:
            self._first = self._sequence
            self._begun_at = now
            self._meter.begin()
            self._sent_to, self._turned_away = {}, set()
            self._spread = self._around(PERIOD_JITTER)
            self._next_beat_at = now + self._period * self._spread
        repeat = self._session.retransmit_seconds * self._around(REPEAT_JITTER)
        self._repeat_at = now + repeat
        attempt = self._sequence - self._first
        self._target = self._choose()
        self._sent_to[self._sequence] = self._target
        self._unheard += 1
        self._meter.sent(self._sequence, now=now)
        # Each second one in the form that a gateway of before takes: the session may be of
        # another one than hears it, while they are upgraded.
        says_path = self._session.takes_path and attempt % 2 == 0
        beat = Beat(
            session=self._session.session,
            sequence=self._sequence,
            boot_id=self._boot_id,
            uptime_seconds=uptime_seconds,
            attempt=attempt,
            path=self._meter.path(mtu=mtu) if says_path else None,
        )
        return wire.seal_beat(beat, key=self._session.key)

    def hear(self, data: bytes, *, now: float) -> Heard:
        """Take in what was received; what isn't an answer to the last beat is ignored."""
        try:
            said = wire.head(data)
            if said.session != self._session.session:
                return Heard()
            if not self._first <= said.sequence <= self._sequence:
                return Heard()
            if said.kind is Kind.UNKNOWN_SESSION:
                self._refused = True
                return Heard()
            if said.kind is Kind.ELSEWHERE:
                wire.open_elsewhere(data, key=self._session.key)
                return self._turn_away(said.sequence, now=now)
            ack = wire.open_ack(data, key=self._session.key)
        except wire.DatagramInvalid:
            return Heard()
        self._meter.acknowledged(said.sequence, now=now)
        self._repeat_at = None
        self._home = self._sent_to[said.sequence]
        self._unheard = 0
        self._refused = False
        self._acked_at = now
        if ack.wanted & Wanted.SESSION:
            self._renew_at = min(self._renew_at, now)
        self._change_period(ack.next_period_seconds)
        return Heard(ack=True, wanted=ack.wanted)

    def session_wanted(self, *, now: float) -> bool:
        """Return whether to ask for a new session; this one serves until it comes."""
        known = min(
            self._turned_away_at, self._acked_at + TURNED_AWAY_PERIODS * self._period
        )
        is_doubted = now - max(self._acked_at, known) >= SILENT_PERIODS * self._period
        return self._refused or now >= self._renew_at or is_doubted

    @property
    def is_refused(self) -> bool:
        """Whether the gateway, or somebody in its place, said that this session is none."""
        return self._refused

    def is_unheard(self, *, now: float) -> bool:
        """Return whether nothing was acknowledged for too long."""
        return now - self._acked_at >= SILENT_PERIODS * self._period

    def _choose(self) -> int:
        """Return which gateway is to be sent to."""
        there = [(self._home + step) % self._gateways for step in range(self._gateways)]
        willing = [one for one in there if one not in self._turned_away] or there
        return willing[max(0, self._unheard - HOME_TRIES + 1) % len(willing)]

    def _turn_away(self, sequence: int, *, now: float) -> Heard:
        self._turned_away_at = now
        self._turned_away.add(self._sent_to[sequence])
        if self._home in self._turned_away:
            self._unheard = 0
            self._home = self._choose()
        if len(self._turned_away) == self._gateways:
            self._repeat_at = None
        elif self._repeat_at is not None:
            most = min(self._session.retransmit_seconds, self._period / 2)
            self._repeat_at = now + self._rng.uniform(0.0, most)
        return Heard(elsewhere=True)

    def _change_period(self, seconds: float) -> None:
        seconds = min(max(seconds, SHORTEST_PERIOD_SECONDS), LONGEST_PERIOD_SECONDS)
        if seconds != self._period:
            self._period = seconds
            self._next_beat_at = self._begun_at + seconds * self._spread

    def _around(self, share: float) -> float:
        return self._rng.uniform(1 - share, 1 + share)
