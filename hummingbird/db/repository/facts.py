# SPDX-License-Identifier: Apache-2.0
"""What the sysinv-agents reported."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from hummingbird.db.model import FACTS
from hummingbird.domain.heartbeat import Facts


def put(
    connection: Connection,
    *,
    host_id: int,
    content_hash: str,
    body: dict[str, object],
    now: datetime,
) -> bool:
    """Store a report; return whether it differs from the one before."""
    before = of_host(connection, host_id)
    if before is not None and before.content_hash == content_hash:
        connection.execute(
            update(FACTS).where(FACTS.c.host_id == host_id).values(reported_at=now)
        )
        return False
    values = {
        "content_hash": content_hash,
        "body": body,
        "reported_at": now,
        "changed_at": now,
    }
    if before is None:
        connection.execute(FACTS.insert().values(host_id=host_id, **values))
    else:
        connection.execute(
            update(FACTS).where(FACTS.c.host_id == host_id).values(**values)
        )
    return True


def of_host(connection: Connection, host_id: int) -> Facts | None:
    """Return the last report of a host, or None."""
    row = connection.execute(select(FACTS).where(FACTS.c.host_id == host_id)).first()
    return None if row is None else Facts(**row._mapping)
