# SPDX-License-Identifier: Apache-2.0
"""/v1/alarms: what is wrong right now, as `fm` asks for it."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.alarm import Posted, parse_alarm
from hummingbird.api.schema.fault_query import ARGUMENTS, parse_filters, parse_flag
from hummingbird.api.schema.page import parse_page
from hummingbird.api.view.alarm import alarm_full, alarm_short
from hummingbird.db.repository import alarm, event_log, event_suppression
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import Alarm, Severity, StoredAlarm, as_event
from hummingbird.domain.alarm_catalogue import containing, unmasked
from hummingbird.errors import BadRequest, Conflict

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
    expand = parse_flag(call.request.GET.get("expand"))
    return _list(call, expand=expand, resource="alarms")


def list_full(call: Call) -> Any:
    """GET /v1/alarms/detail"""
    return _list(call, expand=True, resource="alarms/detail")


def summary(call: Call) -> Any:
    """GET /v1/alarms/summary"""
    arguments = call.arguments("include_suppress")
    with call.dependencies.database.reader() as connection:
        stands, _ = _listed(connection, arguments)
    count = Counter(one.alarm.severity for one in stands)
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
    with call.dependencies.database.snapshot() as connection:
        return _full(connection, call, alarm.find(connection, call.name))


def create(call: Call) -> Any:
    """POST /v1/alarms: set, clear or log. The answer is JSON in a JSON text, as FM's."""
    body = parse_alarm(call.json_object())
    act = {"set": _set, "clear": _clear}.get(body.state, _log)
    with call.dependencies.database.writer() as connection:
        uuid = act(connection, body, now=body.at or call.dependencies.clock.now())
    return json.dumps({"uuid": uuid})


def replace(call: Call) -> Any:
    """PUT /v1/alarms/{uuid}: change what it says; what is left out stays."""
    body = parse_alarm(call.json_object(), state="set")
    if body.state != "set":
        raise BadRequest(
            message="An alarm that is changed stays set; clear it by DELETE."
        )
    now = call.dependencies.clock.now()
    with call.dependencies.database.writer() as connection:
        found = alarm.find(connection, call.name)
        _put(connection, body.over(found.alarm), before=found, now=body.at or now)
        return _full(connection, call, alarm.find(connection, call.name))


def remove(call: Call) -> None:
    """DELETE /v1/alarms/{uuid}: clear it by hand. While its cause stands, the conductor
    raises it again."""
    with call.dependencies.database.writer() as connection:
        found = alarm.find(connection, call.name)
        _remove(connection, found, now=call.dependencies.clock.now())


def _set(connection: Connection, body: Posted, *, now: datetime) -> str:
    before = alarm.find_by_key(connection, *body.key)
    return _put(connection, body.alarm(), before=before, now=now, uuid=body.uuid)


def _clear(connection: Connection, body: Posted, *, now: datetime) -> str:
    if body.uuid is not None:
        found = alarm.find(connection, body.uuid)
    else:
        by_key = alarm.find_by_key(connection, *body.key)
        if by_key is None:
            raise BadRequest(message="can not find record to clear!")
        found = by_key
    _remove(connection, found, now=now)
    return found.uuid


def _log(connection: Connection, body: Posted, *, now: datetime) -> str:
    # Who sends a log again, because no answer reached him, finds it written.
    if body.uuid is not None and event_log.exists(connection, body.uuid):
        return body.uuid
    return event_log.append(connection, body.log(), now=now, uuid=body.uuid)


def _put(
    connection: Connection,
    wanted: Alarm,
    *,
    before: StoredAlarm | None,
    now: datetime,
    uuid: str | None = None,
) -> str:
    """Have `wanted` stand in the place of `before`; logged unless it says the same."""
    key = wanted.alarm_id, wanted.entity_instance_id
    put = partial(alarm.put, connection, wanted, now=now, posted=True)
    is_put = put(uuid=uuid)
    if not is_put and alarm.find_by_key(connection, *key) is not None:
        is_put = put()  # somebody else has just set it: it is changed after all
    if not is_put:
        raise Conflict(message="Another alarm has this uuid.")
    if before is None or before.alarm != wanted:
        event_log.append(connection, as_event(wanted, state="set"), now=now)
    found = alarm.find_by_key(connection, *key)
    assert found is not None
    return found.uuid


def _remove(connection: Connection, found: StoredAlarm, *, now: datetime) -> None:
    key = (found.alarm.alarm_id, found.alarm.entity_instance_id)
    if alarm.clear(connection, [key], now=now):
        event_log.append(connection, as_event(found.alarm, state="clear"), now=now)


def _full(connection: Connection, call: Call, found: StoredAlarm) -> dict[str, Any]:
    suppressed = found.alarm.alarm_id in event_suppression.suppressed(connection)
    return alarm_full(found, base=call.base, suppressed=suppressed)


def _listed(
    connection: Connection,
    arguments: Mapping[str, str],
    *,
    filters: Mapping[str, str] | None = None,
) -> tuple[list[StoredAlarm], frozenset[str]]:
    """Return the alarms that a list shows, and the alarm ids that are suppressed.

    :param filters: what is left out by the database, as far as it compares as we do.
    """
    suppressed = event_suppression.suppressed(connection)
    found = alarm.list_all(connection, holding=filters)
    entities = {
        entity
        for one in found
        if one.alarm.suppression
        for entity in containing(one.alarm.entity_instance_id)
    }
    stands = unmasked(found, masks=alarm.inhibiting(connection, entities))
    if not parse_flag(arguments.get("include_suppress")):
        stands = [one for one in stands if one.alarm.alarm_id not in suppressed]
    return stands, suppressed


def _list(call: Call, *, expand: bool, resource: str) -> Any:
    arguments = call.arguments(*ARGUMENTS)
    page = parse_page(
        arguments, maximum=call.dependencies.conf.api.max_limit, sort_key="severity"
    )
    filters = parse_filters(call, known=_FILTERS)
    with call.dependencies.database.reader() as connection:
        stands, suppressed = _listed(connection, arguments, filters=filters)
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
    view = partial(alarm_full, base=call.base) if expand else alarm_short
    answer: dict[str, Any] = {
        "alarms": [
            view(one, suppressed=one.alarm.alarm_id in suppressed) for one in shown
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
    view = alarm_full(one, base="", suppressed=False)
    if key not in view:
        raise BadRequest(message=f"Invalid sort key: {key[:40]}.")
    return view[key]


def _matches(one: StoredAlarm, filters: dict[str, str]) -> bool:
    return all(
        text in str(one.uuid if name == "uuid" else getattr(one.alarm, name))
        for name, text in filters.items()
    )
