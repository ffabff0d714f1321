# SPDX-License-Identifier: Apache-2.0
"""What somebody saw: who, what, and since when.

An observation is its observer's alone: another one may see otherwise, and neither undoes
what the other has seen. `domain/hearing.py` has those of gateways.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class LinkSeen:
    """One of a controller's own links, as that controller sees it."""

    controller: str
    name: str
    up_since: datetime | None
    """For people; None: it is down."""
    changed_seconds: float | None
    """Since when it is so, on the listening clock; None: not known."""

    @property
    def is_up(self) -> bool:
        """Whether it is up."""
        return self.up_since is not None
