# SPDX-License-Identifier: Apache-2.0
"""What the items of sysinv's collections look like, by kind.

Made from the views themselves: each shows one item of which everything is known and one
of which nothing is, with values of the types that an agent's report has (wire/section.py),
and what comes out says which keys there are and of which types. So a view and its shape
can't go apart.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID as Uuid

from hummingbird.api.contract.shape import (
    DECIMAL,
    FLAG,
    FREE,
    NULL,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Schema,
    Shape,
    Thing,
    many,
    maybe,
)
from hummingbird.api.view.inventory import COLLECTIONS
from hummingbird.api.view.inventory_item import FIELDS, Seen
from hummingbird.api.view.link import LINKS
from hummingbird.domain.facts import Section
from hummingbird.domain.host import Host

_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ADDRESSES: Final = ["192.0.2.1/24", "2001:db8::1/64"]
_SAMPLES: Final[Mapping[Any, Any]] = {
    str: "1",
    int: 1,
    bool: True,
    list[str]: ["1"],
    list[int]: [1],
    dict[str, str]: {"1": "1"},
}
_SAID_OTHERWISE: Final[Mapping[str, Any]] = {"addresses": _ADDRESSES}
"""Values that a view looks into."""


def _known(section: str) -> dict[str, Any]:
    """Return an item of which everything is known."""
    return {
        name: _SAID_OTHERWISE.get(name, _SAMPLES[hint])
        for name, hint in FIELDS[section].items()
    }


def _rows(kind: str) -> list[dict[str, Any]]:
    """Return how the view shows an item of which all is known, and one of which nothing
    is."""
    collection = COLLECTIONS[kind]
    host = SimpleNamespace(
        id=1, uuid=str(Uuid(int=1)), hostname="1", created_at=_NOW, mgmt_ip="192.0.2.1"
    )
    found: list[dict[str, Any]] = []
    for is_known in (True, False):
        sections = {
            name: Section(
                name=name,
                content_hash="",
                body=[_known(name) if is_known else {}],
                changed_at=_NOW,
            )
            for name in collection.sections
        }
        seen = Seen(cast(Host, host), sections, "http://localhost")
        found += collection.rows(seen)
        found += [] if collection.one is None else collection.one(seen)
    return found


def _shape(values: Iterable[Any]) -> Shape:
    """Return the shape of what has been all of these."""
    shapes: list[Shape] = []
    for value in values:
        shape = _shape_of(value)
        if shape not in shapes:
            shapes.append(shape)
    told = [one for one in shapes if one != NULL]
    if not told:
        return cast(Schema, {})  # nothing ever tells it, so it is not said what it were
    shape = told[0] if len(told) == 1 else cast(Schema, {"anyOf": told})
    return maybe(shape) if NULL in shapes else shape


def _shape_of(value: Any) -> Shape:
    if isinstance(value, str):
        return _shape_of_text(value)
    if isinstance(value, list):
        is_links = bool(value) and isinstance(value[0], dict) and "href" in value[0]
        return LINKS if is_links else many(TEXT)
    shapes: Mapping[type, Schema] = {
        type(None): NULL,
        bool: FLAG,
        int: NUMBER,
        float: DECIMAL,
        dict: FREE,
    }
    return shapes[type(value)]


def _shape_of_text(value: str) -> Schema:
    if value == _NOW.isoformat():
        return TIME
    try:
        Uuid(value)
    except ValueError:
        return TEXT
    return UUID


def _thing(kind: str) -> Thing:
    rows = _rows(kind)
    names = list(dict.fromkeys(name for row in rows for name in row))
    always = {name for name in names if all(name in row for row in rows)}
    fields = {name: _shape(row[name] for row in rows if name in row) for name in names}
    # When a section changed is told by its created_at; sysinv has times here.
    fields["updated_at"] = maybe(TIME)
    return Thing(
        "".join(word.capitalize() for word in kind.split("_")) + "Item",
        fields,
        optional=frozenset(set(names) - always),
    )


ITEMS: Final[Mapping[str, Thing]] = {kind: _thing(kind) for kind in COLLECTIONS}
"""An item of each collection; what its host's agent did not say is null."""

COLLECTION: Final[Schema] = {
    "type": "object",
    "description": "One list, under the name of the collection; others are empty.",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {kind: many(thing) for kind, thing in ITEMS.items()},
    "additionalProperties": {"type": "array", "maxItems": 0},
}
