# SPDX-License-Identifier: Apache-2.0
"""Reports the inventory once, then when it changed or the gateway asks for it.

It is collected anew every CHECK_SECONDS. A report that does not go through is kept on
the host, the newest in place of older ones, and tried again, later each time.
"""

import logging
import random
from collections.abc import Callable
from typing import Final

from agents.link.backoff import Backoff
from agents.sysinv_agent.gateway import Delivery, NotDelivered
from agents.sysinv_agent.store import ReportStore
from hummingbird.wire.inventory import MAX_BYTES, Report, content_hash, encode

LOG = logging.getLogger("sysinv-agent")

CHECK_SECONDS: Final = 60.0
JITTER: Final = 0.1


class Loop:
    """One host's inventory."""

    def __init__(
        self,
        *,
        collect: Callable[[], Report],
        delivery: Delivery,
        store: ReportStore,
        monotonic: Callable[[], float],
        rng: random.Random,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._collect = collect
        self._delivery = delivery
        self._store = store
        self._monotonic = monotonic
        self._rng = rng
        self._check_seconds = check_seconds
        self._backoff = Backoff(rng)
        self._body = store.get()
        self._unsent = self._body is not None
        self._check_at = self._try_at = monotonic()
        self._said = ""

    def step(self) -> float:
        """Do what is due; return for how many seconds there is nothing to do."""
        now = self._monotonic()
        if now >= self._check_at:
            self._check()
            spread = self._rng.uniform(1 - JITTER, 1 + JITTER)
            self._check_at = now + self._check_seconds * spread
        if self._unsent and now >= self._try_at:
            self._try(self._deliver)
        due = min(self._check_at, self._try_at) if self._unsent else self._check_at
        return max(0.0, due - self._monotonic())

    def _check(self) -> None:
        body = encode(self._collect())
        if len(body) > MAX_BYTES:
            self._say(f"the inventory is too large: {len(body)} B")
            return
        if self._body is None or content_hash(body) != content_hash(self._body):
            LOG.info("inventory %s", content_hash(body)[:12])
            self._body = body
            self._unsent = True
            self._try_at = self._monotonic()
        elif not self._unsent:
            self._try(self._knock)

    def _deliver(self) -> None:
        assert self._body is not None
        self._delivery.deliver(self._body)
        self._unsent = False
        self._store.clear()
        self._say("the gateway has the inventory")

    def _knock(self) -> None:
        assert self._body is not None
        wanted = self._delivery.knock()
        if wanted or self._delivery.known_hash != content_hash(self._body):
            self._unsent = True
            self._try_at = self._monotonic()

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except NotDelivered as error:
            self._say(f"not delivered: {error}")
            self._keep()
            self._try_at = self._monotonic() + self._backoff.failed()
        except OSError as error:
            self._say(f"the report's place can't be written: {error}")
        else:
            self._backoff.succeeded()

    def _keep(self) -> None:
        if not self._unsent or self._body is None or self._store.get() == self._body:
            return
        try:
            self._store.put(self._body)
        except OSError as error:
            LOG.info("the report can't be kept over a restart: %s", error)

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            LOG.info("%s", text)
