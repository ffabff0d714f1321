# SPDX-License-Identifier: Apache-2.0
"""What a host's silence means by itself: live, suspect, late, lost.

The stages are multiples of the host's own heartbeat period: suspect after 1.2 periods (a
beat and its jitter were missed), late (major alarm) after 2, lost (critical alarm) after
3. At the default period of 10 s these are 12, 20 and 30 s. An unacknowledged beat is
repeated each second, so that up to the critical stage about 20 datagrams in a row must
be lost: below one false verdict in a million node-years at 20 % independent loss.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SUSPECT_PERIODS: Final = 1.2
LATE_PERIODS: Final = 2.0
LOST_PERIODS: Final = 3.0


class Liveness(StrEnum):
    """How a host's silence is judged."""

    LIVE = "live"
    SUSPECT = "suspect"
    LATE = "late"
    LOST = "lost"
    UNKNOWN = "unknown"
    """Nobody can tell: our own ears were closed."""


SILENT: Final = frozenset({Liveness.LATE, Liveness.LOST})
"""What is no longer taken for heard."""


@dataclass(frozen=True)
class Allowance:
    """The stages for one heartbeat period, in seconds of silence."""

    suspect_seconds: float
    late_seconds: float
    lost_seconds: float

    @classmethod
    def of(cls, period_seconds: float) -> "Allowance":
        """Return the stages for hosts that beat every `period_seconds`."""
        return cls(
            suspect_seconds=period_seconds * SUSPECT_PERIODS,
            late_seconds=period_seconds * LATE_PERIODS,
            lost_seconds=period_seconds * LOST_PERIODS,
        )


def judge(silence_seconds: float, *, period_seconds: float) -> Liveness:
    """Return what `silence_seconds` since the last word of a host means."""
    allowance = Allowance.of(period_seconds)
    if silence_seconds >= allowance.lost_seconds:
        return Liveness.LOST
    if silence_seconds >= allowance.late_seconds:
        return Liveness.LATE
    if silence_seconds >= allowance.suspect_seconds:
        return Liveness.SUSPECT
    return Liveness.LIVE


def due_at(last_heard_at: datetime, *, period_seconds: float) -> datetime:
    """Return when a host that says nothing more will be late: before that its silence
    changes nothing, so nobody needs to look at it."""
    return last_heard_at + timedelta(seconds=Allowance.of(period_seconds).late_seconds)
