# SPDX-License-Identifier: Apache-2.0
"""Which processes are alive, by the clock of who looks.

A process is dead when its row has shown no new beat for the length of its lease. Who has just
begun to look takes all for alive for so long. No two machines' wall clocks are compared.
"""

import threading
from collections.abc import Iterable

from hummingbird.domain.process import Process
from hummingbird.domain.unchanged import Unchanged


class LifeSigns:
    """What one observer has seen of processes; threads may share it."""

    def __init__(self, *, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._unchanged: Unchanged[tuple[str, str]] = Unchanged()

    def alive(self, seen: Iterable[Process], *, asked_at: float) -> list[Process]:
        """Return those that are alive.

        :param seen: all processes of a kind, as they are in the database.
        :param asked_at: monotonic time from before they were read: an observer that is
            frozen in between does not take for dead what it has not looked at again.
        """
        processes = list(seen)
        with self._lock:
            self._unchanged.keep({(one.name, one.incarnation) for one in processes})
            return [
                one
                for one in processes
                if self._unchanged.seconds(
                    (one.name, one.incarnation), one.beat_at, monotonic=asked_at
                )
                <= self._lease_seconds
            ]
