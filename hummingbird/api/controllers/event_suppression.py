# SPDX-License-Identifier: Apache-2.0
"""/v1/event_suppression: which alarm ids are not listed, as `fm` asks for it."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.event_suppression import parse_status
from hummingbird.api.schema.fault_query import ARGUMENTS, parse_filters
from hummingbird.api.schema.page import parse_page
from hummingbird.api.view.event_suppression import suppression_full, suppression_short
from hummingbird.db.repository import event_suppression
from hummingbird.errors import BadRequest

_FILTERS = frozenset({"uuid", "alarm_id", "description", "suppression_status"})


def list_all(call: Call) -> Any:
    """GET /v1/event_suppression: by alarm id"""
    arguments = call.arguments(*ARGUMENTS)
    page = parse_page(arguments, maximum=call.dependencies.conf.api.max_limit)
    filters = parse_filters(call, known=_FILTERS)
    with call.dependencies.database.reader() as connection:
        rows = event_suppression.list_all(connection)
    views = [suppression_short(one, base=call.base) for one in rows]
    found = [
        view
        for view in views
        if all(view[name] == wanted for name, wanted in filters.items())
    ]
    if page.marker is not None:
        uuids = [view["uuid"] for view in found]
        if page.marker not in uuids:
            raise BadRequest(message="The marker is not in the list.")
        found = found[uuids.index(page.marker) + 1 :]
    shown = found[: page.limit]
    answer: dict[str, Any] = {"event_suppression": shown}
    if page.limit is not None and len(shown) == page.limit:
        answer["next"] = (
            f"{call.base}/v1/event_suppression?limit={page.limit}"
            f"&marker={shown[-1]['uuid']}"
        )
    return answer


def get(call: Call) -> Any:
    """GET /v1/event_suppression/{uuid}"""
    with call.dependencies.database.reader() as connection:
        found = event_suppression.find(connection, call.name)
    return suppression_full(found, base=call.base)


def patch(call: Call) -> Any:
    """PATCH /v1/event_suppression/{uuid} with a JSON patch of suppression_status"""
    suppressed = parse_status(call.json())
    with call.dependencies.database.writer() as connection:
        changed = event_suppression.change(connection, call.name, suppressed=suppressed)
    return suppression_full(changed, base=call.base)
