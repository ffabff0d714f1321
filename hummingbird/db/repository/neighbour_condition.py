# SPDX-License-Identifier: Apache-2.0
"""What was seen of neighbours that all hosts hang on; written only where it changes."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from hummingbird.db.model import NEIGHBOUR_CONDITION
from hummingbird.domain.condition import MESSAGE_MAX, NeighbourSeen, Seen, Status


def find(connection: Connection, name: str) -> NeighbourSeen | None:
    """Return what was seen of a neighbour; None: never anything that was wrong."""
    table = NEIGHBOUR_CONDITION
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None:
        return None
    return NeighbourSeen(**{**row._mapping, "status": Status(row.status)})


def put(connection: Connection, name: str, seen: Seen, *, now: datetime) -> None:
    """Note what was seen; `since` changes as what it says begins or ends to mean
    something."""
    table = NEIGHBOUR_CONDITION
    known = find(connection, name)
    values: dict[str, object] = {
        "status": seen.status.value,
        "reason": seen.reason,
        "message": seen.message[:MESSAGE_MAX],
        "observer": seen.observer,
    }
    if known is None:
        connection.execute(table.insert().values(name=name, since=now, **values))
        return
    if (known.status is Status.TRUE) is not (seen.status is Status.TRUE):
        values["since"] = now
    connection.execute(update(table).where(table.c.name == name).values(**values))


def forget(connection: Connection, name: str) -> None:
    """Keep nothing of it: nothing here hangs on it."""
    table = NEIGHBOUR_CONDITION
    connection.execute(delete(table).where(table.c.name == name))
