# SPDX-License-Identifier: Apache-2.0
"""Waits longer after each failure, and never in step with other hosts."""

import random
from typing import Final

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
"""A fleet of ten thousand whose gateway refuses knocks 330 times a second at most."""
AWAY_SECONDS: Final = 8.0
"""Where nobody takes the connection it costs nobody anything, and whoever waited is heard
within a quarter of a minute of the way's return."""


class Backoff:
    """1, 2, 4 … s, each times 0.5 to 1.5."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    @property
    def is_on(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def failed(self, *, away: bool = False) -> float:
        """Return how many seconds to wait before the next try.

        :param away: nobody was there to refuse.
        """
        most = AWAY_SECONDS if away else MOST_SECONDS
        seconds = min(most, FIRST_SECONDS * float(2 ** min(self._failures, 10)))
        self._failures += 1
        return seconds * self._rng.uniform(0.5, 1.5)

    def succeeded(self) -> None:
        """Begin anew at the next failure."""
        self._failures = 0
