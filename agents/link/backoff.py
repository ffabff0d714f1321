# SPDX-License-Identifier: Apache-2.0
"""Waits longer after each failure, and never in step with other hosts."""

import random
from typing import Final

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
"""A fleet of ten thousand that lost its gateway knocks 330 times a second at most."""


class Backoff:
    """1, 2, 4 … 30 s, each times 0.5 to 1.5."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def failed(self) -> float:
        """Return how many seconds to wait before the next try."""
        seconds = min(MOST_SECONDS, FIRST_SECONDS * float(2 ** min(self._failures, 10)))
        self._failures += 1
        return seconds * self._rng.uniform(0.5, 1.5)

    def succeeded(self) -> None:
        """Begin anew at the next failure."""
        self._failures = 0
