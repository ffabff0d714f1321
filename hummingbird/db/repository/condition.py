# SPDX-License-Identifier: Apache-2.0
"""Conditions of hosts; written only where they change."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from hummingbird.db.model import HOST, HOST_CONDITION
from hummingbird.domain.condition import KUBERNETES, READY, Status


def ready(connection: Connection) -> dict[int, bool]:
    """Return host id -> whether its node was Ready when it was last seen."""
    table = HOST_CONDITION
    query = select(table.c.host_id, table.c.status).where(table.c.type == READY)
    return {
        row.host_id: row.status == Status.TRUE.value
        for row in connection.execute(query)
    }


def not_ready(connection: Connection) -> set[int]:
    """Return the ids of the hosts whose nodes were not Ready when last seen."""
    query = select(HOST_CONDITION.c.host_id).where(
        HOST_CONDITION.c.type == READY, HOST_CONDITION.c.status == Status.FALSE.value
    )
    return set(connection.execute(query).scalars())


def put_ready(
    connection: Connection, host_id: int, *, is_ready: bool, reason: str, now: datetime
) -> None:
    """Note what Kubernetes says of a host's node; nothing for a host that is gone.

    :param reason: Kubernetes' own word, cut to what is kept.
    """
    status = (Status.TRUE if is_ready else Status.FALSE).value
    values = {"status": status, "reason": reason[:64], "observer": KUBERNETES}
    key = (HOST_CONDITION.c.host_id == host_id) & (HOST_CONDITION.c.type == READY)
    query = select(HOST_CONDITION.c.status).where(key)
    known = connection.execute(query).scalar()
    if known == status:
        return
    if known is not None:
        changed = update(HOST_CONDITION).where(key).values(since=now, **values)
        connection.execute(changed)
        return
    query = select(HOST.c.id).where(HOST.c.id == host_id)
    if connection.execute(query).first() is not None:
        row = {"host_id": host_id, "type": READY, "since": now, **values}
        connection.execute(HOST_CONDITION.insert().values(row))
