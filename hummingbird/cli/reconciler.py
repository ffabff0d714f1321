# SPDX-License-Identifier: Apache-2.0
"""`hummingbird reconciler-list`: what the conductor keeps true, and how that goes."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List


class ReconcilerList(List):
    """List what each reconciler last looked at, changed and failed to do.

    They are those of one conductor, the leader where it answers; acts says whether it looks
    after that one thing now: what is done for the whole fleet, the leader does alone.
    """

    examples = ("hummingbird reconciler-list",)
    columns = (
        *("name", "looked_at", "changed", "failed", "took_seconds", "started_at"),
        *("conductor", "acts", "leader"),
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return a row a reconciler."""
        found: list[Mapping[str, Any]] = self.client.get(path("reconcilers"))[
            "reconcilers"
        ]
        return found
