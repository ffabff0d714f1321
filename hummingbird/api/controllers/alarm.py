# SPDX-License-Identifier: Apache-2.0
"""/v1/alarms: what is wrong right now, as `fm` asks for it."""

from collections import Counter
from typing import Any

from hummingbird.api.call import Call
from hummingbird.api.schema.fault_query import ARGUMENTS, parse_filters
from hummingbird.api.schema.page import parse_page
from hummingbird.api.view.alarm import alarm_full, alarm_short
from hummingbird.db.repository import alarm, event_log
from hummingbird.domain.alarm import Severity, StoredAlarm, as_event
from hummingbird.errors import BadRequest

_FILTERS = frozenset(
    {
        "uuid",
        "alarm_id",
        "entity_type_id",
        "entity_instance_id",
        "severity",
        "alarm_type",
    }
)
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def list_short(call: Call) -> Any:
    """GET /v1/alarms"""
    expand = call.request.GET.get("expand", "").lower() == "true"
    return _list(call, expand=expand, resource="alarms")


def list_full(call: Call) -> Any:
    """GET /v1/alarms/detail"""
    return _list(call, expand=True, resource="alarms/detail")


def summary(call: Call) -> Any:
    """GET /v1/alarms/summary"""
    call.arguments("include_suppress")
    with call.parts.database.reader() as connection:
        count = Counter(one.alarm.severity for one in alarm.list_all(connection))
    status = "OK"
    if count[Severity.MAJOR] or count[Severity.MINOR]:
        status = "degraded"
    if count[Severity.CRITICAL]:
        status = "critical"
    return {
        "critical": count[Severity.CRITICAL],
        "major": count[Severity.MAJOR],
        "minor": count[Severity.MINOR],
        "warnings": count[Severity.WARNING],
        "status": status,
    }


def get(call: Call) -> Any:
    """GET /v1/alarms/{uuid}"""
    with call.parts.database.reader() as connection:
        return alarm_full(alarm.find(connection, call.name), base=call.base)


def remove(call: Call) -> None:
    """DELETE /v1/alarms/{uuid}: clear it by hand. While its cause stands, the conductor
    raises it again."""
    with call.parts.database.writer() as connection:
        found = alarm.find(connection, call.name).alarm
        alarm.clear(connection, [(found.alarm_id, found.entity_instance_id)])
        event_log.append(
            connection, as_event(found, state="clear"), now=call.parts.clock.now()
        )


def _list(call: Call, *, expand: bool, resource: str) -> Any:
    arguments = call.arguments(*ARGUMENTS)
    page = parse_page(
        arguments, maximum=call.parts.conf.api.max_limit, sort_key="severity"
    )
    filters = parse_filters(call, known=_FILTERS)
    with call.parts.database.reader() as connection:
        stands = alarm.list_all(connection)
    found = [one for one in stands if _matches(one, filters)]
    found.sort(key=_order)
    if page.sort_key != "severity":
        found.sort(key=lambda one: str(_shown(one, page.sort_key)))
    if page.descending:
        found.reverse()
    if page.marker is not None:
        uuids = [one.uuid for one in found]
        if page.marker not in uuids:
            raise BadRequest(message="The marker is not in the list any more.")
        found = found[uuids.index(page.marker) + 1 :]
    shown = found if page.limit is None else found[: page.limit]
    answer: dict[str, Any] = {
        "alarms": [
            alarm_full(one, base=call.base) if expand else alarm_short(one)
            for one in shown
        ]
    }
    if page.limit is not None and len(shown) == page.limit:
        answer["next"] = (
            f"{call.base}/v1/{resource}?limit={page.limit}&marker={shown[-1].uuid}"
        )
    return answer


def _order(one: StoredAlarm) -> tuple[int, str, int]:
    # FM's own: the worst first.
    return _RANK[one.alarm.severity], one.alarm.entity_instance_id, one.id


def _shown(one: StoredAlarm, key: str) -> object:
    view = alarm_full(one, base="")
    if key not in view:
        raise BadRequest(message=f"Invalid sort key: {key[:40]}.")
    return view[key]


def _matches(one: StoredAlarm, filters: dict[str, str]) -> bool:
    return all(
        text in str(one.uuid if name == "uuid" else getattr(one.alarm, name))
        for name, text in filters.items()
    )
