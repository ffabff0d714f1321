# SPDX-License-Identifier: Apache-2.0
"""What the controllers work with; made once by the service, never global."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hummingbird.api.http.presence import SharedWatch
from hummingbird.api.sysinv.known_names import NeighbourNames
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.db.session import Database
from hummingbird.domain.hearing import Standstill
from hummingbird.secretbox import SecretBox

LOG = logging.getLogger(__name__)


def nobody(_name: str) -> None:
    """Nudge no conductor; it looks by itself before long."""


def no_reports() -> Sequence[dict[str, Any]]:
    """Return that nothing is known of any reconciler."""
    return ()


class WaitingRoom:
    """Places for requests that wait, so that threads stay free for those that don't."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many wait now."""
        return self._taken

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place for the block; yield False if there was none."""
        with self._lock:
            seated = self._taken < self._places
            self._taken += seated
        try:
            yield seated
        finally:
            with self._lock:
                self._taken -= seated


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """One API's surroundings."""

    conf: Conf
    database: Database
    clock: Clock
    box: SecretBox
    nudge: Callable[[str], None] = nobody
    """Hurries the conductor after a commit: "run", or a reconciler's name."""
    reconcilers: Callable[[], Sequence[dict[str, Any]]] = no_reports
    """Asks the conductor for the last report of each reconciler."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the service ends: who waits for something answers at once."""
    neighbour: NeighbourNames = field(default_factory=NeighbourNames)
    """What the hosts of the sysinv are called before which this API stands, if any."""
    waiting_room: "WaitingRoom" = field(default_factory=lambda: WaitingRoom(4))
    """Where requests wait for news."""
    processes: SharedWatch = field(default_factory=SharedWatch)
    """What this process sees of the others."""
    standstill: Standstill = field(default_factory=Standstill)
    """Whether gateways write, as this process sees it."""

    def hurry(self, name: str = "run") -> None:
        """Nudge the conductor; what is wanted is committed, so a failure is no loss.

        :param name: what it should look at: queued runs, or one reconciler.
        """
        try:
            self.nudge(name)
        except Exception:
            LOG.warning("The conductor could not be nudged", exc_info=True)
