# SPDX-License-Identifier: Apache-2.0
"""Whether one life of a conductor must do nothing more, by its own clock.

The fence falls by itself when the lease was not renewed in time. Nobody needs to make it
fall: the thread that renews may hang in a database that is silent, or the whole process be
frozen and go on an hour later. It stays down: what went on meanwhile is another's.
"""

import threading

from hummingbird.clock import Clock


class Fence(threading.Event):
    """Set, for good, from the moment up to which it was last extended."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._until = float("inf")

    @property
    def seconds_left(self) -> float:
        """How long it still stands; 0: it is down."""
        if self.is_set():
            return 0.0
        return max(0.0, self._until - self._clock.monotonic())

    def extend(self, until: float) -> bool:
        """Have it stand until that moment of the monotonic clock; return False where it
        is down already."""
        if self.is_set():
            return False
        self._until = until
        return True

    def is_set(self) -> bool:
        """Whether it is down."""
        if not super().is_set() and self._clock.monotonic() >= self._until:
            self.set()
        return super().is_set()
