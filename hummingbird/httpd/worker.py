# SPDX-License-Identifier: Apache-2.0
"""Threads that answer whole requests, each source in its turn.

A source with a thousand requests waiting delays another's by one. It never has all of the
workers: a quarter is kept for others, since what a request asks (Kubernetes, the database)
may be slow for a reason that its sender knows. Threads are made when they are needed.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

LOG = logging.getLogger(__name__)

_KEPT_SHARE: Final = 4
"""One worker of so many is for other sources than the one that has the most."""


class Workers(Generic[Item]):
    """A pool of threads."""

    def __init__(self, serve: Callable[[Item], None], *, most: int, name: str) -> None:
        """
        :param serve: called in a thread with each item; must not raise.
        :param most: threads at one time.
        """
        self._serve = serve
        self._most = most
        self._most_of_one = most - most // _KEPT_SHARE
        self._name = name
        self._condition = threading.Condition()
        self._waiting: dict[str, deque[Item]] = {}
        self._queued = 0
        self._idle = 0
        self._busy: Counter[str] = Counter()
        self._threads: list[threading.Thread] = []
        self._is_stopping = False

    @property
    def queued(self) -> int:
        """How many items no thread has taken yet."""
        return self._queued

    def put(self, item: Item, *, source: str) -> None:
        """Have it served, in its source's turn."""
        with self._condition:
            self._waiting.setdefault(source, deque()).append(item)
            self._queued += 1
            if self._idle >= self._queued:
                self._condition.notify()
            elif len(self._threads) < self._most:
                self._start()
            elif self._idle:
                self._condition.notify()

    def withdraw(self, item: Item, *, source: str) -> bool:
        """Take back what no thread has taken; return whether it was so."""
        with self._condition:
            line = self._waiting.get(source)
            if line is None or item not in line:
                return False
            line.remove(item)
            self._queued -= 1
            if not line:
                del self._waiting[source]
            return True

    def stop(self, *, seconds: float) -> None:
        """Take no more; wait so long for the threads to end."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
            threads = list(self._threads)
        until = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            source, item = taken
            try:
                self._serve(item)
            except Exception:
                LOG.exception("A request's worker failed")
            finally:
                del item, taken
                with self._condition:
                    self._busy[source] -= 1
                    if self._busy[source] <= 0:
                        del self._busy[source]

    def _next(self) -> tuple[str, Item] | None:
        with self._condition:
            self._idle += 1
            try:
                while True:
                    if self._is_stopping:
                        return None
                    source = self._whose_turn()
                    if source is not None:
                        return source, self._take(source)
                    self._condition.wait()
            finally:
                self._idle -= 1

    def _whose_turn(self) -> str | None:
        for source in self._waiting:
            if self._busy[source] < self._most_of_one:
                return source
        return None

    def _take(self, source: str) -> Item:
        line = self._waiting.pop(source)
        item = line.popleft()
        if line:
            self._waiting[source] = line  # at the end: the others come first
        self._queued -= 1
        self._busy[source] += 1
        return item
