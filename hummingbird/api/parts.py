# SPDX-License-Identifier: Apache-2.0
"""What the controllers work with; made once by the service, never global."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.db.session import Database
from hummingbird.secretbox import SecretBox

LOG = logging.getLogger(__name__)


def nobody() -> None:
    """Nudge no conductor; it looks by itself before long."""


def no_reports() -> Sequence[dict[str, Any]]:
    """Return that nothing is known of any reconciler."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One API's surroundings."""

    conf: Conf
    database: Database
    clock: Clock
    box: SecretBox
    nudge: Callable[[], None] = nobody
    """Hurries the conductor after a commit."""
    reconcilers: Callable[[], Sequence[dict[str, Any]]] = no_reports
    """Asks the conductor for the last report of each reconciler."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the service ends: who waits for something answers at once."""
    followers: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(4)
    )
    """Places for requests that wait; the other threads stay free for the rest."""

    def hurry(self) -> None:
        """Nudge the conductor; what is wanted is committed, so a failure is no loss."""
        try:
            self.nudge()
        except Exception:
            LOG.warning("The conductor could not be nudged", exc_info=True)
