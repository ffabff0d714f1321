# SPDX-License-Identifier: Apache-2.0
"""For how long each of our processes has given no sign of life, by the clock of who looks."""

from collections.abc import Iterable

from hummingbird.domain.process import Process
from hummingbird.domain.unchanged import Unchanged


class ProcessWatch:
    """What one observer has seen of processes. For one thread."""

    def __init__(self) -> None:
        self._unchanged: Unchanged[tuple[str, str]] = Unchanged()

    def forget(self) -> None:
        """Begin anew."""
        self._unchanged = Unchanged()

    def silent(
        self, seen: Iterable[Process], *, asked_at: float
    ) -> list[tuple[Process, float]]:
        """Return each process and for how many seconds at least it has been silent.

        :param asked_at: monotonic time from before they were read.
        """
        processes = list(seen)
        self._unchanged.keep({(one.name, one.incarnation) for one in processes})
        return [
            (
                one,
                self._unchanged.seconds(
                    (one.name, one.incarnation), one.beat_at, monotonic=asked_at
                ),
            )
            for one in processes
        ]
