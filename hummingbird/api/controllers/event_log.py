# SPDX-License-Identifier: Apache-2.0
"""/v1/event_log: what happened, the newest first, as `fm` asks for it."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.fault_query import (
    ARGUMENTS,
    parse_filters,
    parse_flag,
    parse_time,
)
from hummingbird.api.schema.page import parse_page
from hummingbird.api.view.event_log import event_full, event_short
from hummingbird.db.repository import event_log, event_suppression

_TEXTS = frozenset(
    {
        "uuid",
        "event_log_id",
        "entity_type_id",
        "entity_instance_id",
        "severity",
        "event_log_type",
    }
)
_MOST = 4000
"""FM's own event_log_max."""


def list_short(call: Call) -> Any:
    """GET /v1/event_log"""
    expand = parse_flag(call.request.GET.get("expand"))
    return _list(call, expand=expand, resource="event_log")


def list_full(call: Call) -> Any:
    """GET /v1/event_log/detail"""
    return _list(call, expand=True, resource="event_log/detail")


def get(call: Call) -> Any:
    """GET /v1/event_log/{uuid}"""
    with call.dependencies.database.snapshot() as connection:
        found = event_log.find(connection, call.name)
        hidden = event_suppression.suppressed(connection)
    return event_full(found, suppressed=found.event.event_log_id in hidden)


def _list(call: Call, *, expand: bool, resource: str) -> Any:
    arguments = call.arguments(*ARGUMENTS, "alarms", "logs")
    page = parse_page(arguments, maximum=_MOST)
    filters = parse_filters(call, known=_TEXTS | {"start", "end"})
    start, end = filters.pop("start", None), filters.pop("end", None)
    limit = page.limit or _MOST
    include = parse_flag(arguments.get("include_suppress"))
    with call.dependencies.database.snapshot() as connection:
        suppressed = event_suppression.suppressed(connection)
        marker = page.marker
        before = None if marker is None else event_log.find(connection, marker).id
        events = event_log.list_latest(
            connection,
            limit=limit,
            states=_states(arguments),
            before_id=before,
            equals=filters,
            start=None if start is None else parse_time(start),
            end=None if end is None else parse_time(end),
            hidden=() if include else suppressed,
        )
    view = event_full if expand else event_short
    answer: dict[str, Any] = {
        "event_log": [
            view(one, suppressed=one.event.event_log_id in suppressed) for one in events
        ]
    }
    if page.limit is not None and len(events) == limit:
        answer["next"] = (
            f"{call.base}/v1/{resource}?limit={limit}&marker={events[-1].uuid}"
        )
    return answer


def _states(arguments: dict[str, str]) -> tuple[str, ...] | None:
    alarms = parse_flag(arguments.get("alarms"))
    logs = parse_flag(arguments.get("logs"))
    if alarms == logs:
        return None
    return ("set", "clear") if alarms else ("log",)
