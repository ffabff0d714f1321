# SPDX-License-Identifier: Apache-2.0
"""What was heard since the last batch went to the database; in memory, one entry a session.

Nothing here is written before `put_back` or the next batch makes sure that it is: a
database that is away costs memory for one entry a session, however long it takes.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from hummingbird.domain.heartbeat import Heartbeat


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one session's agent has said since the last batch."""

    number: int
    """Of the session, as its agent calls it."""
    row: int
    """Its id in the database."""
    nonce: str | None
    """Of the session: another one in the same row is another session."""
    host_id: int
    sequence: int
    """The highest that was taken."""
    beat: Heartbeat | None = None
    """Its host's last word; `beats` counts those since the batch before. `heard_seconds`
    is this process's own monotonic time until it is written."""
    unchanged_at: datetime | None = None
    """When it last said that its host's inventory is as we know it."""


class Ledger:
    """Collects; many threads may write while one takes."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._heard: dict[int, Heard] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def hear(self, heard: Heard) -> None:
        """Note what was said."""
        with self._guard:
            former = self._heard.get(heard.number)
            if former is not None:
                heard = _merged(former, heard)
            self._heard[heard.number] = heard

    def take(self) -> list[Heard]:
        """Return what was collected, and begin anew."""
        with self._guard:
            batch, self._heard = self._heard, {}
        return list(batch.values())

    def put_back(self, batch: Iterable[Heard]) -> None:
        """Take in again what could not be written."""
        for heard in batch:
            self.hear(heard)


def beats_by_host(batch: Iterable[Heard]) -> list[Heartbeat]:
    """Return the last word of each host: one that opened a session anew has two."""
    found: dict[int, Heartbeat] = {}
    for heard in batch:
        if heard.beat is not None:
            former = found.get(heard.host_id)
            one = heard.beat
            found[heard.host_id] = one if former is None else _later(former, one)
    return list(found.values())


def _merged(one: Heard, other: Heard) -> Heard:
    beat = one.beat or other.beat
    if one.beat is not None and other.beat is not None:
        beat = _later(one.beat, other.beat)
    times = [at for at in (one.unchanged_at, other.unchanged_at) if at is not None]
    return replace(
        other,
        sequence=max(one.sequence, other.sequence),
        beat=beat,
        unchanged_at=max(times, default=None),
    )


def _later(one: Heartbeat, other: Heartbeat) -> Heartbeat:
    """Return the later word, with the beats of both counted."""
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
