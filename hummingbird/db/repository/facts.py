# SPDX-License-Identifier: Apache-2.0
"""What the sysinv-agents reported."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from hummingbird.db.model import FACTS
from hummingbird.domain.heartbeat import Facts

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""


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


def hosts_known(connection: Connection, host_ids: Iterable[int]) -> set[int]:
    """Return those of the hosts that ever reported."""
    wanted = list(host_ids)
    found: set[int] = set()
    for start in range(0, len(wanted), CHUNK):
        some = FACTS.c.host_id.in_(wanted[start : start + CHUNK])
        query = select(FACTS.c.host_id).where(some)
        found |= set(connection.execute(query).scalars())
    return found
