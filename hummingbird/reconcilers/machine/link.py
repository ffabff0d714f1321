# SPDX-License-Identifier: Apache-2.0
"""Of each of this controller's links that leads to hosts it is known whether it is up.

Asks the kernel, writes what changed, and judges nobody: what it writes is this controller's
observation, and nobody else's.
"""

from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.reconcilers.base import Outcome


class LinkReconciler:
    """Keeps the table of links as the kernel has it."""

    name = "link"

    def __init__(self, own_links: OwnLinks, *, period_seconds: float) -> None:
        self._own_links = own_links
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at the links; write what changed."""
        states, changed = self._own_links.refresh()
        return Outcome(looked_at=len(states.up_since), changed=changed)
