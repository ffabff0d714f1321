# SPDX-License-Identifier: Apache-2.0
"""The only reader of time.

Everything that needs to know or to wait takes a `Clock`; tests put a `ManualClock` in
its place and so own the time. Wall time is for what people and databases see, monotonic
time for every duration.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells and waits."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        """Wait until `event` is set, at most `seconds`; return whether it is set."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        return event.wait(max(0.0, seconds))


class ManualClock:
    """Time that moves only when told to, for tests and simulations.

    `wait` advances the clock by what it was asked to wait, so that loops end at once.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Step the wall clock alone, as a correction by NTP does; either way."""
        self._now += timedelta(seconds=seconds)
