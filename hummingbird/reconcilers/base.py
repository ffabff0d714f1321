# SPDX-License-Identifier: Apache-2.0
"""What a reconciler is, and what it says after each look.

A reconciler keeps one thing true. It takes no input, may run at any time and any number
of times, never retries inside, and is the only path to what it keeps true.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Outcome:
    """What one look found and did."""

    looked_at: int = 0
    changed: tuple[str, ...] = ()
    """One sentence for each thing that was changed."""
    failed: tuple[str, ...] = ()
    """One sentence for each thing that should be otherwise, but could not be made so."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The last outcome of one reconciler, with its time."""

    name: str
    started_at: datetime
    took_seconds: float
    acts: bool = True
    """Whether this conductor looks after it now."""
    outcome: Outcome = field(default_factory=Outcome)

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data, for RPC."""
        return {
            "name": self.name,
            "started_at": self.started_at.isoformat(),
            "took_seconds": round(self.took_seconds, 3),
            "acts": self.acts,
            "looked_at": self.outcome.looked_at,
            "changed": list(self.outcome.changed),
            "failed": list(self.outcome.failed),
        }


class Reconciler(Protocol):
    """Keeps one thing true."""

    @property
    def name(self) -> str:
        """What it keeps true, in one word."""

    @property
    def period_seconds(self) -> float:
        """Seconds between two looks when nobody nudges."""

    def reconcile(self) -> Outcome:
        """Look, and make it so."""
