# SPDX-License-Identifier: Apache-2.0
"""Lists that are short enough to be read as a whole: networks, pools.

Order and pages are made here, with sysinv's arguments and its `next`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.schema.page import parse_page
from hummingbird.errors import BadRequest, NotFound

PAGING: Final = ("marker", "limit", "sort_key", "sort_dir")
"""Arguments of every list that StarlingX pages."""

Item = tuple[int, Mapping[str, Any]]
"""The integer id of something, and its view."""


def listing(
    call: Call, resource: str, items: Iterable[Item], arguments: Mapping[str, str]
) -> dict[str, Any]:
    """Return the list of `resource`, or the page of it that is asked for.

    :raises BadRequest: no item has such a sort key, or a number is none.
    :raises NotFound: the marker is of no item.
    """
    page = parse_page(arguments, maximum=call.dependencies.conf.api.max_limit)
    ordered = sorted(items, key=lambda item: (_value(item, page.sort_key), item[0]))
    if page.descending:
        ordered.reverse()
    if page.marker is not None:
        ordered = ordered[_place(ordered, page.marker, resource) + 1 :]
    shown = ordered[: page.limit]
    answer: dict[str, Any] = {resource: [view for _, view in shown]}
    if page.limit is not None and len(shown) == page.limit:
        answer["next"] = next_link(
            call,
            resource,
            limit=page.limit,
            marker=shown[-1][1]["uuid"],
            sort_key=page.sort_key,
            descending=page.descending,
        )
    return answer


def next_link(
    call: Call, path: str, *, limit: int, marker: str, sort_key: str, descending: bool
) -> str:
    """Return the link to the next page."""
    direction = "desc" if descending else "asc"
    return (
        f"{call.base}/v1/{path}?sort_key={sort_key}&sort_dir={direction}"
        f"&limit={limit}&marker={marker}"
    )


def _value(item: Item, key: str) -> tuple[bool, int, str]:
    number, view = item
    if key == "id":
        return True, number, ""
    if key not in view:
        raise BadRequest(message=f"Invalid sort key: {key[:40]}.")
    value = view[key]
    return value is not None, value if isinstance(value, int) else 0, str(value)


def _place(items: list[Item], marker: str, resource: str) -> int:
    for place, (number, view) in enumerate(items):
        if marker in (str(number), view["uuid"], view.get("name")):
            return place
    raise NotFound(kind=f"Marker of {resource}", name=marker)
