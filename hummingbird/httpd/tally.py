# SPDX-License-Identifier: Apache-2.0
"""What strangers do, counted: one line a minute, however many they are."""

import logging
from collections import Counter
from typing import Final

LOG = logging.getLogger(__name__)

SECONDS: Final = 60.0


class Tally:
    """Counts what is not worth a line each; used by one thread."""

    def __init__(self, name: str) -> None:
        """
        :param name: of the server, as the line begins.
        """
        self._name = name
        self._counts: Counter[str] = Counter()
        self._since: float | None = None
        self.total: Counter[str] = Counter()
        """Since the start."""

    def note(self, what: str, *, now: float) -> None:
        """Count one of these; the line comes a minute after the first."""
        self.total[what] += 1
        self._counts[what] += 1
        if self._since is None:
            self._since = now

    @property
    def due(self) -> float | None:
        """When the line is to be written, on the monotonic clock; None if never."""
        return None if self._since is None else self._since + SECONDS

    def tell(self, *, now: float, at_once: bool = False) -> None:
        """Write the line if it is due, or `at_once` if there is anything to say."""
        if self._since is None or (not at_once and now < self._since + SECONDS):
            return
        said = ", ".join(
            f"{what}: {count}" for what, count in self._counts.most_common()
        )
        LOG.info("%s: in %.0f s, %s", self._name, now - self._since, said)
        self._counts.clear()
        self._since = None
