# SPDX-License-Identifier: Apache-2.0
"""A change of a host's facts as JSON."""

from typing import Any

from hummingbird.api.contract.shape import NUMBER, TEXT, TIME, Thing, maybe
from hummingbird.domain.facts import FactsChange


def fact_change(row: FactsChange) -> dict[str, Any]:
    """Return one change; `from` or `to` is null where the item was not, or is no more.
    Of an item that stayed, both have the fields that changed and no others."""
    return {
        "id": row.id,
        "section": row.section,
        "item": row.item,
        "from": row.before,
        "to": row.after,
        "seen_at": row.seen_at.isoformat(),
        "received_at": row.received_at.isoformat(),
    }


FACT_CHANGE = Thing(
    "FactChange",
    {
        "id": NUMBER,
        "section": TEXT,
        "item": maybe(TEXT),
        "from": {},
        "to": {},
        "seen_at": TIME,
        "received_at": TIME,
    },
)
