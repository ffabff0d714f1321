# SPDX-License-Identifier: Apache-2.0
"""What the beats and their acks tell of the path: how long, how lossy. Costs no packet.

Each transmission has a sequence of its own and its ack names it, so a time is never taken
from the wrong one of two (Karn's problem). Does no I/O, reads no clock.
"""

from collections import deque
from typing import Final

from hummingbird.wire.heartbeat import Path

WINDOW_BEATS: Final = 60
"""Ten minutes, at the usual ten seconds a beat."""
_NEW_SHARE: Final = 1 / 8
"""Of a new time in the smoothed one (RFC 6298, section 2)."""


class Meter:
    """Counts what is sent and what is acknowledged; outlives sessions."""

    def __init__(self) -> None:
        self._rtt: float | None = None
        self._beats: deque[tuple[int, int]] = deque(maxlen=WINDOW_BEATS)
        self._waiting: dict[int, float] = {}
        self._tries = self._acks = 0

    def begin(self) -> None:
        """A new beat: count the former one.

        One that nobody acknowledged counts once, however often it was sent: a cable that
        is out is not a lossy path.
        """
        if self._tries:
            heard = (self._tries, self._tries - self._acks) if self._acks else (1, 1)
            self._beats.append(heard)
        self._waiting = {}
        self._tries = self._acks = 0

    def sent(self, sequence: int, *, now: float) -> None:
        """A transmission left."""
        self._tries += 1
        self._waiting[sequence] = now

    def acknowledged(self, sequence: int, *, now: float) -> None:
        """An ack came; a second one of the same counts for nothing."""
        since = self._waiting.pop(sequence, None)
        if since is None:
            return
        self._acks += 1
        took = max(0.0, now - since)
        if self._rtt is None:
            self._rtt = took
        else:
            self._rtt += (took - self._rtt) * _NEW_SHARE

    def path(self, *, mtu: int | None) -> Path:
        """Return what is known, up to the beat before this one."""
        return Path(
            rtt_seconds=self._rtt,
            sent=sum(sent for sent, _ in self._beats),
            lost=sum(lost for _, lost in self._beats),
            mtu=mtu,
        )
