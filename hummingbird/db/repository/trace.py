# SPDX-License-Identifier: Apache-2.0
"""The last trace of each host: asked for, and what it said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from hummingbird.db.model import HOST_TRACE

CHUNK = 250


@dataclass(frozen=True, kw_only=True)
class StoredTrace:
    """A trace that was asked for."""

    host_id: int
    requested_at: datetime
    done_at: datetime | None
    """None: not yet."""
    body: Mapping[str, Any]
    """What it said; before that empty, or what the one before it said."""


def _trace(row: Row[Any]) -> StoredTrace:
    return StoredTrace(**row._mapping)


def of_host(connection: Connection, host_id: int) -> StoredTrace | None:
    """Return the host's last trace, done or not; None: nobody ever asked."""
    row = connection.execute(
        select(HOST_TRACE).where(HOST_TRACE.c.host_id == host_id)
    ).first()
    return None if row is None else _trace(row)


def of_hosts(connection: Connection, host_ids: Sequence[int]) -> dict[int, StoredTrace]:
    """Return the last trace of each of the hosts that have one, by host id."""
    found: dict[int, StoredTrace] = {}
    for start in range(0, len(host_ids), CHUNK):
        some = HOST_TRACE.c.host_id.in_(host_ids[start : start + CHUNK])
        for row in connection.execute(select(HOST_TRACE).where(some)):
            found[row.host_id] = _trace(row)
    return found


def ask(
    connection: Connection, host_id: int, *, now: datetime, keeps_body: bool = False
) -> StoredTrace:
    """Ask for a trace; one that is asked for already goes on.

    :param keeps_body: whether what the last one said stays until this one is done.
    """
    known = of_host(connection, host_id)
    if known is not None and known.done_at is None:
        return known
    body = dict(known.body) if keeps_body and known is not None else {}
    connection.execute(delete(HOST_TRACE).where(HOST_TRACE.c.host_id == host_id))
    connection.execute(
        HOST_TRACE.insert().values(host_id=host_id, requested_at=now, body=body)
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
