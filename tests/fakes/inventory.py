# SPDX-License-Identifier: Apache-2.0
"""Changes of a host's inventory, as its sysinv-agent would send them."""

from collections.abc import Mapping
from typing import Any

from hummingbird.wire.inventory import SCHEMA, Change, hash_of


def full(
    sections: Mapping[str, Any],
    *,
    stream: str = "a",
    sequence: int = 1,
    seen_at: int = 0,
    sent_at: int = 0,
) -> Change:
    """Return a change that says everything."""
    return {
        "schema": SCHEMA,
        "kind": "full",
        "stream": stream,
        "sequence": sequence,
        "seen_at": seen_at,
        "sent_at": sent_at,
        "base": None,
        "hash": hash_of(sections),
        "sections": dict(sections),
    }


def delta(
    before: Mapping[str, Any],
    changed: Mapping[str, Any],
    *,
    stream: str = "a",
    sequence: int = 2,
    seen_at: int = 0,
    sent_at: int = 0,
) -> Change:
    """Return a change of some sections of what was `before`."""
    return {
        "schema": SCHEMA,
        "kind": "delta",
        "stream": stream,
        "sequence": sequence,
        "seen_at": seen_at,
        "sent_at": sent_at,
        "base": hash_of(before),
        "hash": hash_of({**before, **changed}),
        "sections": dict(changed),
    }
