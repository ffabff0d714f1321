# SPDX-License-Identifier: Apache-2.0
"""Tells the inventory once, then what changes of it, and all of it when asked.

It is collected anew every CHECK_SECONDS, and soon after the kernel says that something
has changed. What can't be told waits in the journal, and is tried later each time.
"""

import logging
import random
from collections.abc import Callable
from typing import Final

from agents.link.backoff import Backoff
from agents.sysinv_agent.gateway import Delivery, NotDelivered
from agents.sysinv_agent.journal import Journal
from hummingbird.wire.inventory import MAX_BYTES, Sections, canonical

LOG = logging.getLogger("sysinv-agent")

CHECK_SECONDS: Final = 60.0
JITTER: Final = 0.1
SETTLE_SECONDS: Final = 2.0
"""A device that comes says so several times, and is ready after the last."""
GAP_SECONDS: Final = 10.0
"""Least time between two looks."""
CALM_CHANGES: Final = 3
"""After so many looks in a row that found a change the gap doubles with each, up to the
regular time: a link that flaps is not to keep the host busy, nor to wear its flash."""


class Loop:
    """One host's inventory."""

    def __init__(
        self,
        *,
        collect: Callable[[], Sections],
        delivery: Delivery,
        journal: Journal,
        monotonic: Callable[[], float],
        wall_ms: Callable[[], int],
        rng: random.Random,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        """
        :param wall_ms: returns the host's own time in ms since 1970.
        """
        self._collect = collect
        self._delivery = delivery
        self._journal = journal
        self._monotonic = monotonic
        self._wall_ms = wall_ms
        self._rng = rng
        self._check_seconds = check_seconds
        self._backoff = Backoff(rng)
        self._check_at = self._try_at = monotonic()
        self._checked_at = -GAP_SECONDS
        self._changes = 0
        self._said = ""

    def step(self) -> float:
        """Do what is due; return for how many seconds there is nothing to do."""
        now = self._monotonic()
        if now >= self._check_at:
            self._check()
            spread = self._rng.uniform(1 - JITTER, 1 + JITTER)
            self._checked_at = now
            self._check_at = now + self._check_seconds * spread
        if self._journal.pending and now >= self._try_at:
            self._try(self._deliver)
        due = self._check_at
        if self._journal.pending:
            due = min(due, self._try_at)
        return max(0.0, due - self._monotonic())

    def hurry(self) -> None:
        """Something has changed: look soon, though not at once and not all the time."""
        soon = self._monotonic() + SETTLE_SECONDS
        self._check_at = min(self._check_at, max(soon, self._checked_at + self._gap()))

    def _gap(self) -> float:
        doubled = min(max(0, self._changes - CALM_CHANGES), 10)
        return min(GAP_SECONDS * float(2**doubled), self._check_seconds)

    def _check(self) -> None:
        sections = self._collect()
        size = len(canonical(sections))
        if size > MAX_BYTES:
            self._say(f"the inventory is too large: {size} B")
            return
        if self._journal.note(sections, seen_at=self._wall_ms()):
            self._changes += 1
            LOG.info("inventory %s", self._journal.hash[:12])
            if self._journal.pending == 1:
                # With more of them the gateway is away, and is asked in its time.
                self._try_at = self._monotonic()
            return
        self._changes = 0
        if not self._journal.pending:
            self._try(self._knock)

    def _deliver(self) -> None:
        self._delivery.deliver(self._journal)
        self._say("the gateway has the inventory")

    def _knock(self) -> None:
        wanted = self._delivery.knock()
        if wanted or self._delivery.known_hash != self._journal.hash:
            self._journal.say_all(seen_at=self._wall_ms())
            self._try_at = self._monotonic()

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except NotDelivered as error:
            self._say(f"not delivered: {error}")
            self._try_at = self._monotonic() + self._backoff.failed()
        else:
            self._backoff.succeeded()

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            LOG.info("%s", text)
