# SPDX-License-Identifier: Apache-2.0
"""What the gateway has of this host, and what it has yet to be told, in order.

A change is written to the state folder before it is sent and taken out when the gateway
has it, so that neither a restart nor a cut of days loses one, nor its time. Each has a
number: a change that went through although its answer was lost counts once. One file,
put in place whole. A folder that can't be written costs the memory over a restart and
nothing else: the host's state is collected anew.

It is bounded: beyond MOST_CHANGES changes or MOST_BYTES the two oldest that were never
tried become one. What the host is then is not lost, only a step on the way there.
"""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from hummingbird.wire.inventory import (
    SCHEMA,
    Change,
    Sections,
    Taken,
    canonical,
    content_hash,
    hash_of,
    section_hash,
)

LOG = logging.getLogger("sysinv-agent")

FOLDER: Final = Path("/var/lib/hummingbird/agent")
NAME: Final = "inventory.json"
FORMER_NAME: Final = "unsent-report.json"
"""What agents of version 1 kept; it is of no use any more."""
MOST_CHANGES: Final = 256
MOST_BYTES: Final = 512 * 1024


class Journal:
    """One host's inventory on its way."""

    def __init__(
        self, folder: Path, *, new_stream: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._path = folder / NAME
        self._new_stream = new_stream
        self._stream = new_stream()
        self._sequence = 0
        self._known: dict[str, Any] | None = None
        self._known_seen_at = 0
        self._queue: list[Change] = []
        self._unwritable = ""
        self._load()
        self._tip = self._summed()
        self._hashes = {name: section_hash(part) for name, part in self._tip.items()}

    @property
    def pending(self) -> int:
        """How many changes the gateway has yet to be told."""
        return len(self._queue)

    @property
    def hash(self) -> str:
        """Hash of the host's inventory as it was last seen."""
        return content_hash(self._hashes)

    @property
    def boot_id(self) -> str | None:
        """The boot that it was last seen in, or None if it never was."""
        found = self._tip.get("system", {}).get("boot_id")
        return None if found is None else str(found)

    def note(self, sections: Sections, *, seen_at: int) -> bool:
        """Take in the inventory as it is at `seen_at` (ms); return whether that is new.

        All of it becomes the change on first contact, in a new boot, and when a section
        is no longer told; else what differs.
        """
        hashes = {name: section_hash(part) for name, part in sections.items()}
        if hashes == self._hashes:
            return False
        changed = {
            n: p for n, p in sections.items() if hashes[n] != self._hashes.get(n)
        }
        boot_id = sections["system"].get("boot_id")
        whole = (
            not self._hashes
            or boot_id != self.boot_id
            or not self._hashes.keys() <= hashes.keys()
        )
        self._add(
            dict(sections) if whole else changed,
            base=None if whole else self.hash,
            after=content_hash(hashes),
            seen_at=seen_at,
        )
        self._tip, self._hashes = dict(sections), hashes
        self._bound()
        self._save()
        return True

    def next(self, *, now: int) -> Change | None:
        """Return the oldest change, ready to be sent at `now` (ms), or None."""
        if not self._queue:
            return None
        return {**self._queue[0], "sent_at": max(0, now)}

    def taken(self, answer: Taken) -> None:
        """The gateway says how far it is."""
        if answer.stream != self._stream or answer.sequence > self._sequence:
            # It has heard more of us than we know: this folder is an old copy.
            self.say_all()
            return
        while self._queue and self._queue[0]["sequence"] <= answer.sequence:
            self._forget_first()
        if not self._queue and answer.hash != self.hash:
            self.say_all()
        self._save()

    def is_known(self, known_hash: str | None) -> bool:
        """Return whether a gateway with that hash need be told nothing; if so, it is
        taken as told."""
        if known_hash != self.hash or len(self._queue) > 1:
            return False
        while self._queue:
            self._forget_first()
        self._save()
        return True

    def start_over(self) -> None:
        """The gateway lacks what the oldest change builds on: begin with that."""
        if self._known is None:
            self.say_all()
            return
        waiting, self._queue = self._queue, []
        self._stream, self._sequence = self._new_stream(), 0
        self._add(
            self._known,
            base=None,
            after=hash_of(self._known),
            seen_at=self._known_seen_at,
        )
        for change in waiting:
            self._sequence += 1
            renumbered = {"stream": self._stream, "sequence": self._sequence}
            self._queue.append({**change, **renumbered})  # type: ignore[typeddict-item]
        self._save()

    def say_all(self, *, seen_at: int | None = None) -> None:
        """Tell the gateway everything anew, and nothing of how it came to be."""
        last = self._queue[-1]["seen_at"] if self._queue else self._known_seen_at
        self._queue = []
        self._stream, self._sequence = self._new_stream(), 0
        self._add(
            self._tip,
            base=None,
            after=self.hash,
            seen_at=last if seen_at is None else seen_at,
        )
        self._save()

    def _add(
        self, sections: dict[str, Any], *, base: str | None, after: str, seen_at: int
    ) -> None:
        self._sequence += 1
        self._queue.append(
            {
                "schema": SCHEMA,
                "kind": "full" if base is None else "delta",
                "stream": self._stream,
                "sequence": self._sequence,
                "seen_at": max(0, seen_at),
                "sent_at": 0,
                "base": base,
                "hash": after,
                "sections": sections,
            }
        )

    def _forget_first(self) -> None:
        first = self._queue.pop(0)
        self._known = _applied(self._known, first)
        self._known_seen_at = first["seen_at"]

    def _bound(self) -> None:
        # The first may be at the gateway already, its answer lost: it stays as it is.
        while len(self._queue) > 2 and (
            len(self._queue) > MOST_CHANGES
            or sum(len(canonical(change)) for change in self._queue[1:]) > MOST_BYTES
        ):
            one, other = self._queue[1], self._queue[2]
            if other["kind"] == "full":
                del self._queue[1]
                continue
            merged = {**one["sections"], **other["sections"]}
            kept = {"kind": one["kind"], "base": one["base"], "sections": merged}
            self._queue[1:3] = [{**other, **kept}]  # type: ignore[typeddict-item]

    def _summed(self) -> dict[str, Any]:
        tip = self._known
        for change in self._queue:
            tip = _applied(tip, change)
        return dict(tip or {})

    def _load(self) -> None:
        try:
            stored = json.loads(self._path.read_bytes())
            stream, sequence = str(stored["stream"]), int(stored["sequence"])
            queue = [_checked(change) for change in stored["queue"]]
            known, seen_at = stored["known"], int(stored["known_seen_at"])
            if known is not None and not isinstance(known["system"], dict):
                raise TypeError("known")
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            # None yet, or none that can be read: as good as a first contact.
            return
        self._stream, self._sequence = stream, sequence
        self._known, self._known_seen_at, self._queue = known, seen_at, queue

    def _save(self) -> None:
        content = canonical(
            {
                "stream": self._stream,
                "sequence": self._sequence,
                "known": self._known,
                "known_seen_at": self._known_seen_at,
                "queue": self._queue,
            }
        )
        draft = self._path.with_suffix(".draft")
        try:
            with draft.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self._path)
            (self._path.parent / FORMER_NAME).unlink(missing_ok=True)
        except OSError as error:
            if str(error) != self._unwritable:
                self._unwritable = str(error)
                LOG.warning("changes can't be kept over a restart: %s", error)


def _applied(before: dict[str, Any] | None, change: Change) -> dict[str, Any]:
    if change["kind"] == "full":
        return dict(change["sections"])
    return {**(before or {}), **change["sections"]}


def _checked(change: Any) -> Change:
    """Return a change from the file; raise KeyError or TypeError if it is none."""
    if not isinstance(change["sections"], dict):
        raise TypeError("sections")
    return {
        "schema": SCHEMA,
        "kind": "full" if change["base"] is None else "delta",
        "stream": str(change["stream"]),
        "sequence": int(change["sequence"]),
        "seen_at": int(change["seen_at"]),
        "sent_at": 0,
        "base": change["base"],
        "hash": str(change["hash"]),
        "sections": change["sections"],
    }
