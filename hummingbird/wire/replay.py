# SPDX-License-Identifier: Apache-2.0
"""Takes each sequence number once (the window of RFC 4303, section 3.4.3)."""

from typing import Final

WINDOW: Final = 64
"""How far behind the highest number a late datagram is still taken."""


class ReplayWindow:
    """Remembers which numbers were taken, from `floor` on.

    Numbers up to the floor count as taken: after a restart nobody knows which of them
    were, so a datagram that was on its way then is lost and gets repeated.
    """

    def __init__(self, *, floor: int = 0) -> None:
        self._floor = floor
        self._highest = floor
        self._taken = 0
        """Bit n: the number `highest - n` was taken."""

    @property
    def highest(self) -> int:
        """The highest number taken, or the floor."""
        return self._highest

    def take(self, number: int) -> bool:
        """Return whether `number` is new; from now on it isn't."""
        if number <= self._floor:
            return False
        behind = self._highest - number
        if behind < 0:
            self._taken = (self._taken << -behind) if -behind < WINDOW else 0
            self._taken = (self._taken | 1) & ((1 << WINDOW) - 1)
            self._highest = number
            return True
        if behind >= WINDOW or self._taken >> behind & 1:
            return False
        self._taken |= 1 << behind
        return True

    def raise_floor(self, floor: int) -> None:
        """Count all numbers up to `floor` as taken: another receiver took them."""
        self._floor = max(self._floor, floor)
        if floor > self._highest:
            self._highest = floor
            self._taken = 0
