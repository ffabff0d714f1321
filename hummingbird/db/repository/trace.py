# SPDX-License-Identifier: Apache-2.0
"""The last trace of each host: asked for, and what it said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from hummingbird.db.model import HOST_TRACE


@dataclass(frozen=True, kw_only=True)
class StoredTrace:
    """A trace that was asked for."""

    host_id: int
    requested_at: datetime
    done_at: datetime | None
    """None: not yet."""
    body: Mapping[str, Any]
    """What it said; empty before that."""


def _trace(row: Row[Any]) -> StoredTrace:
    return StoredTrace(**row._mapping)


def of_host(connection: Connection, host_id: int) -> StoredTrace | None:
    """Return the host's last trace, done or not; None: nobody ever asked."""
    row = connection.execute(
        select(HOST_TRACE).where(HOST_TRACE.c.host_id == host_id)
    ).first()
    return None if row is None else _trace(row)


def ask(connection: Connection, host_id: int, *, now: datetime) -> StoredTrace:
    """Ask for a trace; one that is asked for already goes on."""
    known = of_host(connection, host_id)
    if known is not None and known.done_at is None:
        return known
    connection.execute(delete(HOST_TRACE).where(HOST_TRACE.c.host_id == host_id))
    connection.execute(
        HOST_TRACE.insert().values(host_id=host_id, requested_at=now, body={})
    )
    found = of_host(connection, host_id)
    assert found is not None
    return found


def pending(connection: Connection) -> list[StoredTrace]:
    """Return what was asked for and is not done, the oldest first."""
    query = select(HOST_TRACE).where(HOST_TRACE.c.done_at.is_(None))
    rows = connection.execute(query.order_by(HOST_TRACE.c.requested_at))
    return [_trace(row) for row in rows]


def finish(
    connection: Connection,
    asked: StoredTrace,
    body: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Write what a trace said, unless another was asked for meanwhile."""
    connection.execute(
        update(HOST_TRACE)
        .where(
            HOST_TRACE.c.host_id == asked.host_id,
            HOST_TRACE.c.requested_at == asked.requested_at,
        )
        .values(done_at=now, body=dict(body))
    )
