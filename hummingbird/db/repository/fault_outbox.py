# SPDX-License-Identifier: Apache-2.0
"""What a fault management elsewhere has not been told yet.

A message is written in the transaction of what it tells of, so that neither is kept
without the other; on a database that was opened without `forward_faults` nothing is
written. Messages about one alarm are in the order of its changes: who writes one holds
the alarm's row.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from hummingbird.db.model import FAULT_OUTBOX
from hummingbird.db.session import is_forwarding
from hummingbird.domain.fault_message import FaultMessage, MessageKind


@dataclass(frozen=True, kw_only=True)
class QueuedMessage:
    """A message with its place in the queue."""

    id: int
    refusals: int
    message: FaultMessage


def add(connection: Connection, message: FaultMessage) -> None:
    """Queue a message, if faults are told elsewhere at all."""
    if not is_forwarding(connection):
        return
    connection.execute(
        FAULT_OUTBOX.insert().values(
            kind=message.kind.value,
            uuid=message.uuid,
            alarm_id=message.alarm_id,
            entity_instance_id=message.entity_instance_id,
            body=dict(message.body),
        )
    )


def first(connection: Connection) -> QueuedMessage | None:
    """Return what is to be told next."""
    row = connection.execute(
        select(FAULT_OUTBOX).order_by(FAULT_OUTBOX.c.id).limit(1)
    ).first()
    if row is None:
        return None
    values: dict[str, Any] = dict(row._mapping)
    values["kind"] = MessageKind(values["kind"])
    place = {"id": values.pop("id"), "refusals": values.pop("refusals")}
    return QueuedMessage(**place, message=FaultMessage(**values))


def keys(connection: Connection) -> set[tuple[str, str]]:
    """Return the alarms, as (alarm_id, entity_instance_id), that something waits about."""
    query = select(FAULT_OUTBOX.c.alarm_id, FAULT_OUTBOX.c.entity_instance_id).where(
        FAULT_OUTBOX.c.kind != MessageKind.LOG.value
    )
    return {(row.alarm_id, row.entity_instance_id) for row in connection.execute(query)}


def count(connection: Connection) -> int:
    """Return how many messages wait."""
    found = connection.execute(select(func.count()).select_from(FAULT_OUTBOX))
    return int(found.scalar_one())


def remove(connection: Connection, message_id: int) -> None:
    """Take a message out of the queue: it was told, or never will be."""
    connection.execute(delete(FAULT_OUTBOX).where(FAULT_OUTBOX.c.id == message_id))


def note_refusal(connection: Connection, message_id: int) -> None:
    """Count one more refusal of a message."""
    connection.execute(
        update(FAULT_OUTBOX)
        .where(FAULT_OUTBOX.c.id == message_id)
        .values(refusals=FAULT_OUTBOX.c.refusals + 1)
    )


def shorten(connection: Connection, *, limit: int) -> int:
    """Make the queue as long as `limit` if it is longer; return how many were left out.

    First goes what a later message about the same alarm makes void, then the oldest logs.
    The last word on each alarm stays, so that the alarms come out right in any case.
    """
    before = count(connection)
    if before <= limit:
        return 0
    is_log = FAULT_OUTBOX.c.kind == MessageKind.LOG.value
    last = (
        select(func.max(FAULT_OUTBOX.c.id))
        .where(~is_log)
        .group_by(FAULT_OUTBOX.c.alarm_id, FAULT_OUTBOX.c.entity_instance_id)
    )
    connection.execute(
        delete(FAULT_OUTBOX).where(~is_log, FAULT_OUTBOX.c.id.not_in(last))
    )
    over = count(connection) - limit
    if over > 0:
        oldest = (
            select(FAULT_OUTBOX.c.id).where(is_log).order_by(FAULT_OUTBOX.c.id)
        ).limit(over)
        ids = [row.id for row in connection.execute(oldest)]
        connection.execute(
            delete(FAULT_OUTBOX).where(is_log, FAULT_OUTBOX.c.id <= max(ids, default=0))
        )
    return before - count(connection)


def forget(connection: Connection) -> None:
    """Empty the queue: nobody is to be told any more."""
    connection.execute(delete(FAULT_OUTBOX))
