# SPDX-License-Identifier: Apache-2.0
"""Asks many peers at once, and waits for none of them longer than who asks wants to.

Each question has a thread while it is asked, so many at most at one time; a peer that lags
keeps its own and no other's, is not asked again until it has ended, and its answer is
there for whoever takes answers next. The threads are daemons: a stop waits for none.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hummingbird.errors import HummingbirdError

LOG = logging.getLogger(__name__)

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Answer(Generic[Key, Value]):
    """What became of one question: a value, or the error that it ended with."""

    key: Key
    value: Value | None = None
    error: Exception | None = None


class Asking(Generic[Key, Value]):
    """The questions of one reconciler."""

    def __init__(self, name: str, *, at_once: int) -> None:
        """
        :param name: of the threads.
        :param at_once: how many questions are asked at one time.
        """
        self._name = name
        self._at_once = at_once
        self._changed = threading.Condition()
        self._queue: deque[tuple[Key, Callable[[], Value]]] = deque()
        self._since: dict[Key, float | None] = {}
        """When each question was begun to be asked; None: it waits."""
        self._threads = 0
        self._answers: list[Answer[Key, Value]] = []

    def start(self, key: Key, ask: Callable[[], Value]) -> bool:
        """Have a question asked; return False where it is being asked already."""
        with self._changed:
            if key in self._since:
                return False
            self._since[key] = None
            self._queue.append((key, ask))
            if self._threads < self._at_once:
                self._threads += 1
                threading.Thread(
                    target=self._work, name=self._name, daemon=True
                ).start()
        return True

    def running(self) -> set[Key]:
        """Return the questions that have not ended."""
        with self._changed:
            return set(self._since)

    def late(self, seconds: float) -> set[Key]:
        """Return the questions that have been asked for longer than `seconds`."""
        now = time.monotonic()
        with self._changed:
            return {
                key
                for key, since in self._since.items()
                if since is not None and now - since > seconds
            }

    def take(self, *, seconds: float) -> list[Answer[Key, Value]]:
        """Return the answers that have come, each once; waits until all have, or for
        `seconds` of real time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._since and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            answers, self._answers = self._answers, []
        return answers

    def drop_waiting(self) -> None:
        """Ask none of those that wait for a thread."""
        with self._changed:
            for key, _ in self._queue:
                del self._since[key]
            self._queue.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._queue:
                    self._threads -= 1
                    return
                key, ask = self._queue.popleft()
                self._since[key] = time.monotonic()
            answer = self._answer(key, ask)
            with self._changed:
                del self._since[key]
                self._answers.append(answer)
                self._changed.notify_all()

    def _answer(self, key: Key, ask: Callable[[], Value]) -> Answer[Key, Value]:
        try:
            return Answer(key, value=ask())
        except HummingbirdError as error:
            return Answer(key, error=error)
        except Exception as error:  # a thread's top: the peer's next turn comes
            LOG.exception("%s: a question broke", self._name)
            return Answer(key, error=error)
