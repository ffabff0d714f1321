# SPDX-License-Identifier: Apache-2.0
"""The history of hosts' facts: what became what, and when; bounded for each host."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from hummingbird.db.model import FACTS_CHANGE
from hummingbird.domain.facts import Difference, FactsChange


def append(
    connection: Connection,
    *,
    host_id: int,
    found: Sequence[Difference],
    seen_at: datetime,
    now: datetime,
    most: int,
) -> None:
    """Add what changed of a host, and forget what is more than `most` rows ago."""
    latest = found[-most:] if most else ()
    if not latest:
        return
    connection.execute(
        FACTS_CHANGE.insert(),
        [
            {
                "host_id": host_id,
                "section": one.section,
                "item": one.item,
                "before": one.before,
                "after": one.after,
                "seen_at": seen_at,
                "received_at": now,
            }
            for one in latest
        ],
    )
    of_host = FACTS_CHANGE.c.host_id == host_id
    last = (
        select(FACTS_CHANGE.c.id)
        .where(of_host)
        .order_by(FACTS_CHANGE.c.id.desc())
        .offset(most)
        .limit(1)
    )
    oldest = connection.execute(last).scalar()
    if oldest is not None:
        connection.execute(
            delete(FACTS_CHANGE).where(of_host, FACTS_CHANGE.c.id <= oldest)
        )


def list_latest(
    connection: Connection,
    host_id: int,
    *,
    limit: int | None = None,
    before_id: int | None = None,
    since: datetime | None = None,
    section: str | None = None,
) -> list[FactsChange]:
    """Return what changed of a host, the latest first.

    :param before_id: only rows that came before this one.
    :param since: only what the host saw at that time or later.
    """
    query = select(FACTS_CHANGE).where(FACTS_CHANGE.c.host_id == host_id)
    if before_id is not None:
        query = query.where(FACTS_CHANGE.c.id < before_id)
    if since is not None:
        query = query.where(FACTS_CHANGE.c.seen_at >= since)
    if section is not None:
        query = query.where(FACTS_CHANGE.c.section == section)
    query = query.order_by(FACTS_CHANGE.c.id.desc())
    if limit:
        query = query.limit(limit)
    return [FactsChange(**row._mapping) for row in connection.execute(query)]
