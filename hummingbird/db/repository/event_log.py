# SPDX-License-Identifier: Apache-2.0
"""The event log: append-only. Logs are queued for the fault management elsewhere, where
there is one; the settings and clearings of alarms it notes itself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, select

from hummingbird.db.model import EVENT_LOG
from hummingbird.db.repository import fault_outbox
from hummingbird.domain.alarm import LogEvent, Severity
from hummingbird.domain.fault_message import logged
from hummingbird.errors import NotFound

_FIELDS = tuple(LogEvent.__dataclass_fields__)


@dataclass(frozen=True)
class StoredEvent:
    """An event with its place in the log."""

    id: int
    uuid: str
    at: datetime
    event: LogEvent


def _stored(row: Row[Any]) -> StoredEvent:
    values = dict(row._mapping)
    fields = {name: values[name] for name in _FIELDS}
    event = LogEvent(**{**fields, "severity": Severity(values["severity"])})
    return StoredEvent(values["id"], values["uuid"], values["at"], event)


def append(
    connection: Connection, event: LogEvent, *, now: datetime, uuid: str | None = None
) -> str:
    """Write one line; return its uuid, which a client may have chosen."""
    values = {name: getattr(event, name) for name in _FIELDS}
    values["severity"] = event.severity.value
    values["reason_text"] = event.reason_text[:255]
    name = uuid or str(uuid4())
    connection.execute(EVENT_LOG.insert().values(uuid=name, at=now, **values))
    if event.state == "log":
        fault_outbox.add(connection, logged(event, uuid=name, now=now))
    return name


def find(connection: Connection, uuid: str) -> StoredEvent:
    """Return one event.

    :raises NotFound: there is none.
    """
    row = connection.execute(select(EVENT_LOG).where(EVENT_LOG.c.uuid == uuid)).first()
    if row is None:
        raise NotFound(kind="Event", name=uuid)
    return _stored(row)


def exists(connection: Connection, uuid: str) -> bool:
    """Whether an event of this uuid is in the log."""
    query = select(EVENT_LOG.c.id).where(EVENT_LOG.c.uuid == uuid)
    return connection.execute(query).first() is not None


def list_latest(
    connection: Connection,
    *,
    limit: int,
    states: tuple[str, ...] | None = None,
    before_id: int | None = None,
    equals: dict[str, str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    hidden: Collection[str] = (),
) -> list[StoredEvent]:
    """Return events, the newest first.

    :param states: only those with one of these states ("set", "clear", "log").
    :param equals: column -> text that it must hold; the caller has checked the names.
    :param hidden: alarm ids whose settings and clearings are left out; logs never are.
    """
    query: Select[Any] = select(EVENT_LOG).order_by(EVENT_LOG.c.id.desc()).limit(limit)
    if states is not None:
        query = query.where(EVENT_LOG.c.state.in_(states))
    if before_id is not None:
        query = query.where(EVENT_LOG.c.id < before_id)
    for name, text in (equals or {}).items():
        query = query.where(EVENT_LOG.c[name].contains(text, autoescape=True))
    if start is not None:
        query = query.where(EVENT_LOG.c.at >= start)
    if end is not None:
        query = query.where(EVENT_LOG.c.at <= end)
    if hidden:
        query = query.where(
            (EVENT_LOG.c.state == "log") | EVENT_LOG.c.event_log_id.not_in(hidden)
        )
    return [_stored(row) for row in connection.execute(query)]
