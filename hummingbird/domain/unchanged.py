# SPDX-License-Identifier: Apache-2.0
"""For how long things have been as they are, by the clock of who looks at them.

This is how one machine knows that another gives no sign of life: a row that it changes
with each sign has not changed for so long. Its wall clock, and that of its machine, don't
matter. Who has just begun to look counts from its first look.
"""

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Unchanged(Generic[K]):
    """What was seen last of each thing, and since when. For one thread."""

    def __init__(self) -> None:
        self._seen: dict[K, tuple[Hashable, float]] = {}

    def seconds(self, key: K, mark: Hashable, *, monotonic: float) -> float:
        """Return for how long `key` has had this `mark`.

        :param mark: what differs as soon as the thing does.
        :param monotonic: the time of who looks.
        """
        known = self._seen.get(key)
        if known is None or known[0] != mark:
            self._seen[key] = (mark, monotonic)
            return 0.0
        return monotonic - known[1]

    def keep(self, keys: Collection[K]) -> None:
        """Forget all others."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
