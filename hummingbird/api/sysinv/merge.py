# SPDX-License-Identifier: Apache-2.0
"""One list of two: sysinv's items and ours, in one order, cut into pages as one.

Items are what clients see (JSON objects with a uuid). Two items never have one id: ours
are above host.FIRST_ID (decisions/0006), and sysinv's are counted from 1.
"""

from collections.abc import Sequence
from typing import Any

from hummingbird.api.schema.page import Page
from hummingbird.errors import BadRequest, NotFound

Item = dict[str, Any]


def merged(theirs: Sequence[Item], ours: Sequence[Item], page: Page) -> list[Item]:
    """Return the items of `page`.

    :param page: with no sort key sysinv's come first, each side in its own order.
    :param ours: may lack those that come before the page.
    :raises BadRequest: the items have no such key to be sorted by.
    :raises NotFound: no item is the page's marker.
    """
    items = [*theirs, *ours]
    if not page.sort_key:
        if page.descending:
            items.reverse()
    elif items and not any(page.sort_key in item for item in items):
        raise BadRequest(message=f"Invalid sort key: {page.sort_key[:40]}.")
    else:
        items.sort(
            key=lambda item: _order(item, page.sort_key), reverse=page.descending
        )
    if page.marker is not None:
        items = items[_position(items, page.marker) + 1 :]
    return items if page.limit is None else items[: page.limit]


def is_named(item: Item, name: str) -> bool:
    """Whether `name` is the item's uuid, integer id or hostname."""
    return name in (item.get("uuid"), str(item.get("id")), item.get("hostname"))


def _position(items: Sequence[Item], name: str) -> int:
    for position, item in enumerate(items):
        if is_named(item, name):
            return position
    raise NotFound(kind="Marker", name=name[:80])


def _order(item: Item, key: str) -> tuple[bool, int, str, int]:
    value = item.get(key)
    number = value if isinstance(value, int) else 0
    identity = item.get("id")
    return (
        value is not None,
        number,
        "" if isinstance(value, int) else str(value),
        identity if isinstance(identity, int) else 0,
    )
