# SPDX-License-Identifier: Apache-2.0
"""Standing alarms. The alarm reconciler writes those that Hummingbird itself raises; the
others are posted by clients of the API. Each change is queued for the fault management
elsewhere, where there is one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import ALARM
from hummingbird.db.repository import fault_outbox
from hummingbird.domain.alarm import Alarm, Severity, StoredAlarm
from hummingbird.domain.alarm_catalogue import INHIBITING
from hummingbird.domain.fault_message import alarm_cleared, alarm_set
from hummingbird.errors import NotFound

CHUNK = 250
"""Keys in one query; databases bound the number of parameters."""

_FIELDS = tuple(Alarm.__dataclass_fields__)


def _stored(row: Row[Any]) -> StoredAlarm:
    values = dict(row._mapping)
    fields = {name: values[name] for name in _FIELDS}
    return StoredAlarm(
        id=values["id"],
        uuid=values["uuid"],
        raised_at=values["raised_at"],
        updated_at=values["updated_at"],
        posted=values["posted"],
        alarm=Alarm(**{**fields, "severity": Severity(values["severity"])}),
    )


def _values(alarm: Alarm) -> dict[str, Any]:
    return {name: getattr(alarm, name) for name in _FIELDS} | {
        "severity": alarm.severity.value
    }


def list_all(
    connection: Connection,
    *,
    holding: Mapping[str, str] | None = None,
    hold: bool = False,
) -> list[StoredAlarm]:
    """Return the standing alarms, by id.

    :param holding: column -> text that it must hold, in any case of its letters; the
        caller has checked the names.
    :param hold: whether nobody else changes them before this transaction ends.
    """
    query = select(ALARM).order_by(ALARM.c.id)
    for name, text in (holding or {}).items():
        query = query.where(ALARM.c[name].icontains(text, autoescape=True))
    if hold:
        query = query.with_for_update()
    return [_stored(row) for row in connection.execute(query)]


def of_id(connection: Connection, alarm_id: str) -> list[StoredAlarm]:
    """Return the standing alarms of one kind, by id."""
    query = select(ALARM).where(ALARM.c.alarm_id == alarm_id).order_by(ALARM.c.id)
    return [_stored(row) for row in connection.execute(query)]


def inhibiting(connection: Connection, entities: Iterable[str]) -> dict[str, int]:
    """Return entity -> id of its alarm that stands for others, where it has one."""
    wanted = sorted(entities)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(ALARM.c.entity_instance_id, ALARM.c.id).where(
            ALARM.c.alarm_id.in_(sorted(INHIBITING)),
            ALARM.c.entity_instance_id.in_(wanted[start : start + CHUNK]),
        )
        query = query.order_by(ALARM.c.id)
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def of_keys(
    connection: Connection, keys: Iterable[tuple[str, str]]
) -> list[StoredAlarm]:
    """Return the standing alarms of these (alarm_id, entity_instance_id)."""
    wanted = sorted(keys)
    found: list[StoredAlarm] = []
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        by_key = tuple_(ALARM.c.alarm_id, ALARM.c.entity_instance_id).in_(some)
        query = select(ALARM).where(by_key)
        found += [_stored(row) for row in connection.execute(query)]
    return found


def find(connection: Connection, uuid: str) -> StoredAlarm:
    """Return one alarm.

    :raises NotFound: it does not stand.
    """
    row = connection.execute(select(ALARM).where(ALARM.c.uuid == uuid)).first()
    if row is None:
        raise NotFound(kind="Alarm", name=uuid)
    return _stored(row)


def find_by_key(
    connection: Connection, alarm_id: str, entity_instance_id: str
) -> StoredAlarm | None:
    """Return the alarm of this key, or None."""
    row = connection.execute(
        select(ALARM).where(
            ALARM.c.alarm_id == alarm_id,
            ALARM.c.entity_instance_id == entity_instance_id,
        )
    ).first()
    return None if row is None else _stored(row)


def put(
    connection: Connection,
    alarm: Alarm,
    *,
    now: datetime,
    posted: bool = False,
    uuid: str | None = None,
) -> bool:
    """Raise or change an alarm; return False if another process just did so, or an alarm
    of another key has its uuid.

    Who finds out what is wrong may have read what stands before somebody else wrote it:
    False tells him that it is not his to log. What a client posts again is always put.

    :param posted: by a client; one that is Hummingbird's own already stays its own.
    :param uuid: of a new alarm, where the client has chosen one.
    """
    key = {
        "alarm_id": alarm.alarm_id,
        "entity_instance_id": alarm.entity_instance_id,
    }
    values = _values(alarm) | ({} if posted else {"posted": False})
    if not posted:
        query = select(*(ALARM.c[name] for name in values)).filter_by(**key)
        stands = connection.execute(query.with_for_update()).first()
        if stands is not None and dict(stands._mapping) == values:
            return False
    result = connection.execute(
        update(ALARM).filter_by(**key).values(updated_at=now, **values)
    )
    if result.rowcount:
        fault_outbox.add(connection, alarm_set(alarm, now=now))
        return True
    new = {**_values(alarm), "uuid": uuid or str(uuid4()), "posted": posted}
    try:
        with connection.begin_nested():
            connection.execute(ALARM.insert().values(raised_at=now, **new))
    except IntegrityError:
        return False
    fault_outbox.add(connection, alarm_set(alarm, now=now))
    return True


def clear(
    connection: Connection, keys: Iterable[tuple[str, str]], *, now: datetime
) -> int:
    """Remove alarms by (alarm_id, entity_instance_id); return how many stood."""
    count = 0
    for alarm_id, entity_instance_id in keys:
        gone = connection.execute(
            delete(ALARM).where(
                ALARM.c.alarm_id == alarm_id,
                ALARM.c.entity_instance_id == entity_instance_id,
            )
        ).rowcount
        if gone:
            message = alarm_cleared(alarm_id, entity_instance_id, now=now)
            fault_outbox.add(connection, message)
        count += gone
    return count
