# SPDX-License-Identifier: Apache-2.0
"""What was heard since the last batch went to the database; in memory, one row a host.

`heard_seconds` of a beat in here is this process's own monotonic time; who writes it puts
it on the listening clock.

Nothing here is written before `put_back` or the next batch makes sure that it is: a
database that is away costs memory for one row a host, however long it takes.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hummingbird.domain.heartbeat import Heartbeat


@dataclass(frozen=True)
class Batch:
    """What goes to the database in one transaction."""

    beats: Mapping[int, Heartbeat]
    """Host id -> its last word; `beats` counts those since the batch before."""
    sequences: Mapping[int, int]
    """Session id -> highest sequence taken."""
    unchanged: Mapping[int, datetime]
    """Host id -> when its agent last said that its inventory is as we know it."""


class Ledger:
    """Collects; many threads may write while one takes."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._beats: dict[int, Heartbeat] = {}
        self._sequences: dict[int, int] = {}
        self._unchanged: dict[int, datetime] = {}

    def hear(self, beat: Heartbeat) -> None:
        """Note a host's word."""
        with self._guard:
            self._beats[beat.host_id] = _merged(self._beats.get(beat.host_id), beat)

    def note_sequence(self, session_id: int, highest: int) -> None:
        """Note the highest sequence of a session."""
        with self._guard:
            former = self._sequences.get(session_id, 0)
            self._sequences[session_id] = max(former, highest)

    def note_unchanged(self, host_id: int, at: datetime) -> None:
        """Note that a host's inventory is as it was."""
        with self._guard:
            self._unchanged[host_id] = at

    def take(self) -> Batch:
        """Return what was collected, and begin anew."""
        with self._guard:
            batch = Batch(self._beats, self._sequences, self._unchanged)
            self._beats, self._sequences, self._unchanged = {}, {}, {}
            return batch

    def put_back(self, batch: Batch) -> None:
        """Take in again what could not be written."""
        with self._guard:
            for host_id, beat in batch.beats.items():
                self._beats[host_id] = _merged(self._beats.get(host_id), beat)
            for session_id, highest in batch.sequences.items():
                former = self._sequences.get(session_id, 0)
                self._sequences[session_id] = max(former, highest)
            self._unchanged = {**batch.unchanged, **self._unchanged}


def _merged(one: Heartbeat | None, other: Heartbeat) -> Heartbeat:
    """Return the later word, with the beats of both counted."""
    if one is None:
        return other
    is_later = (other.heard_seconds or 0.0) >= (one.heard_seconds or 0.0)
    later, former = (other, one) if is_later else (one, other)
    if (later.rtt_seconds, later.sent, later.path_mtu) == (None, None, None):
        # A repeated beat may say nothing of the path; what was said stands.
        later = replace(
            later,
            rtt_seconds=former.rtt_seconds,
            sent=former.sent,
            lost=former.lost,
            path_mtu=former.path_mtu,
        )
    return replace(later, beats=one.beats + other.beats)
