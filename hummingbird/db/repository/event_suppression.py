# SPDX-License-Identifier: Apache-2.0
"""Which alarm ids nobody wants to see: one row for each of the catalogue.

`sync` runs at every start, so that a new version's ids appear; what an operator has
suppressed stays so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import EVENT_SUPPRESSION
from hummingbird.domain.alarm_catalogue import AlarmKind
from hummingbird.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class StoredSuppression:
    """One alarm id, and whether it is suppressed."""

    id: int
    uuid: str
    alarm_id: str
    description: str
    suppressed: bool


def _stored(row: Row[Any]) -> StoredSuppression:
    return StoredSuppression(**row._mapping)


def sync(connection: Connection, kinds: Iterable[AlarmKind]) -> None:
    """Give every kind its row, with the description of this version."""
    known = {one.alarm_id: one.description for one in list_all(connection)}
    kinds = tuple(kinds)
    new = [kind for kind in kinds if kind.alarm_id not in known]
    if new:
        _add(connection, new)
    for kind in kinds:
        if known.get(kind.alarm_id, kind.description) != kind.description:
            connection.execute(
                update(EVENT_SUPPRESSION)
                .where(EVENT_SUPPRESSION.c.alarm_id == kind.alarm_id)
                .values(description=kind.description)
            )


def _add(connection: Connection, kinds: Sequence[AlarmKind]) -> None:
    """Add rows, all at once; one by one where somebody has just added some of them: a
    process on another machine may start at the same instant."""
    try:
        with connection.begin_nested():
            connection.execute(
                EVENT_SUPPRESSION.insert(),
                [
                    {
                        "uuid": str(uuid4()),
                        "alarm_id": kind.alarm_id,
                        "description": kind.description,
                        "suppressed": False,
                    }
                    for kind in kinds
                ],
            )
    except IntegrityError:
        if len(kinds) > 1:
            for kind in kinds:
                _add(connection, [kind])


def list_all(connection: Connection) -> list[StoredSuppression]:
    """Return every row, by alarm id."""
    query = select(EVENT_SUPPRESSION).order_by(EVENT_SUPPRESSION.c.alarm_id)
    return [_stored(row) for row in connection.execute(query)]


def suppressed(connection: Connection) -> frozenset[str]:
    """Return the alarm ids that are suppressed."""
    query = select(EVENT_SUPPRESSION.c.alarm_id).where(EVENT_SUPPRESSION.c.suppressed)
    return frozenset(row.alarm_id for row in connection.execute(query))


def find(connection: Connection, uuid: str) -> StoredSuppression:
    """Return one row.

    :raises NotFound: there is none.
    """
    query = select(EVENT_SUPPRESSION).where(EVENT_SUPPRESSION.c.uuid == uuid)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(kind="Event suppression", name=uuid)
    return _stored(row)


def change(connection: Connection, uuid: str, *, suppressed: bool) -> StoredSuppression:
    """Suppress an alarm id, or no longer.

    :raises NotFound: there is no such row.
    """
    connection.execute(
        update(EVENT_SUPPRESSION)
        .where(EVENT_SUPPRESSION.c.uuid == uuid)
        .values(suppressed=suppressed)
    )
    return find(connection, uuid)
