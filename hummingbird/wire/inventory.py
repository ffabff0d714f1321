# SPDX-License-Identifier: Apache-2.0
"""The inventory of one host as it crosses: sections, their hashes, and what changed.

An inventory is a mapping from a section's name to its content: `system` is an object,
every other section a list of objects. Fields have the names of StarlingX sysinv's agent
where it has one (config sysinv/agent/{node,disk,partition,pv,lvg,pci}.py), so that they
can be shown unchanged. A field that the host doesn't know is left out. Nothing in it
changes by itself (no uptime, no free memory, no counters): equal hosts give equal bytes,
and the hash tells a change.

Two versions of the message are understood by a gateway:

1: POST /v1/reports, the whole inventory each time, its hash in a header. What agents of
   Hummingbird 0.1 send.
2: POST /v1/inventory, one `Change`. A *full* change has every section; a *delta* has
   those that differ from the inventory whose hash is `base`. Changes of one `stream`
   are numbered without a repetition, so that one that arrives twice counts once.

An agent of version 2 needs a gateway of version 2, and keeps its changes until there is
one: the control plane is upgraded first.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict

from hummingbird.wire import document
from hummingbird.wire.document import MessageInvalid

PATH: Final = "/v1/inventory"
REPORT_PATH: Final = "/v1/reports"
"""Where version 1 goes."""
MAX_BYTES: Final = 1024 * 1024
HASH_HEADER: Final = "X-Content-Hash"
SCHEMA: Final = 2
REPORT_SCHEMA: Final = 1
MOST_SECTIONS: Final = 64

Section = Mapping[str, Any] | list[Any]
Sections = Mapping[str, Any]
"""Name -> content."""
Kind = Literal["full", "delta"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_STREAM: Final = re.compile(r"[0-9a-f-]{1,36}")
_REPORT_LISTS: Final = ("icpus", "imemories", "idisks", "ports")
_MOST_MS: Final = 2**53
_U63: Final = document.INT_MOST


class Change(TypedDict):
    """One step of a host's inventory."""

    schema: int
    kind: Kind
    stream: str
    """Made anew by an agent that lost its place."""
    sequence: int
    """Of this change in its stream; each is higher than the one before."""
    seen_at: int
    """When the host saw it, by its own clock, in ms since 1970."""
    sent_at: int
    """When it was sent, by that clock: the difference is the change's age."""
    base: str | None
    """Content hash before; None for a full one."""
    hash: str
    """Content hash after."""
    sections: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What the gateway answers: where it is now."""

    stream: str
    sequence: int
    hash: str


def canonical(content: object) -> bytes:
    """Return the canonical bytes of anything: JSON, sorted, without spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def section_hash(section: object) -> str:
    """Return the SHA-256 of a section's canonical bytes, in hex."""
    return hashlib.sha256(canonical(section)).hexdigest()


def content_hash(hashes: Mapping[str, str]) -> str:
    """Return the hash of an inventory, made of those of its sections by name: who has
    them need not read what did not change."""
    lines = "".join(f"{name} {hashes[name]}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def hash_of(sections: Sections) -> str:
    """Return the hash of a whole inventory."""
    return content_hash({name: section_hash(part) for name, part in sections.items()})


def encode(change: Change) -> bytes:
    """Return a change as JSON."""
    return canonical(change)


def decode(body: bytes) -> Change:
    """Return the change in `body`, its outer shape checked.

    :raises MessageInvalid: it is none.
    """
    said = document.read(body)
    if said.get("schema") != SCHEMA:
        raise MessageInvalid(f"the change is not of schema {SCHEMA}")
    kind, base = said.get("kind"), said.get("base")
    if kind not in ("full", "delta"):
        raise MessageInvalid("kind must be full or delta")
    if (base is None) is not (kind == "full"):
        raise MessageInvalid("a delta has a base, a full one has none")
    for name, value, pattern in (
        ("hash", said.get("hash"), _HASH),
        ("stream", said.get("stream"), _STREAM),
        *((("base", base, _HASH),) if base is not None else ()),
    ):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise MessageInvalid(f"{name} is none")
    sections = _checked(said.get("sections"))
    if kind == "full" and "system" not in sections:
        raise MessageInvalid("there is no section named system")
    return {
        "schema": SCHEMA,
        "kind": kind,
        "stream": said["stream"],
        "sequence": document.whole(said, "sequence", least=1, most=_U63),
        "seen_at": document.whole(said, "seen_at", least=0, most=_MOST_MS),
        "sent_at": document.whole(said, "sent_at", least=0, most=_MOST_MS),
        "base": base,
        "hash": said["hash"],
        "sections": sections,
    }


def decode_report(body: bytes) -> dict[str, Any]:
    """Return the sections of a report of version 1.

    :raises MessageInvalid: it is none.
    """
    report = document.read(body)
    if report.pop("schema", None) != REPORT_SCHEMA:
        raise MessageInvalid(f"the report is not of schema {REPORT_SCHEMA}")
    missing = {"system", *_REPORT_LISTS} - report.keys()
    if missing:
        raise MessageInvalid(f"the report has no {', '.join(sorted(missing))}")
    return _checked(report)


def report_hash(body: bytes) -> str:
    """Return the SHA-256 of the bytes of a report of version 1, in hex."""
    return hashlib.sha256(body).hexdigest()


def encode_taken(taken: Taken) -> bytes:
    """Return the gateway's answer as JSON."""
    return canonical(vars(taken))


def decode_taken(body: bytes) -> Taken:
    """Return the answer in `body`.

    :raises MessageInvalid: it is none.
    """
    said = document.read(body)
    return Taken(
        stream=document.text(said, "stream", most=64),
        sequence=document.whole(said, "sequence", least=0, most=_U63),
        hash=document.text(said, "hash", most=64),
    )


def _checked(sections: object) -> dict[str, Any]:
    if not isinstance(sections, dict) or not 0 < len(sections) <= MOST_SECTIONS:
        raise MessageInvalid(f"sections must be an object of 1 to {MOST_SECTIONS}")
    for name, content in sections.items():
        if not _NAME.fullmatch(name):
            raise MessageInvalid("a section's name is of letters, digits and _")
        if name == "system":
            if not isinstance(content, dict):
                raise MessageInvalid("system is not an object")
        elif not isinstance(content, list) or not all(
            isinstance(item, dict) for item in content
        ):
            raise MessageInvalid(f"{name} is not a list of objects")
    return sections
