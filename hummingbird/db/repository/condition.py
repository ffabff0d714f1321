# SPDX-License-Identifier: Apache-2.0
"""Conditions of hosts; written only where they change."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from hummingbird.db.model import HOST, HOST_CONDITION
from hummingbird.domain.condition import HOST_KEY_KNOWN, KUBERNETES, READY, Status


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
    return _unmet(connection, READY)


def key_changed(connection: Connection) -> set[int]:
    """Return the ids of the hosts that showed another SSH host key than is pinned."""
    return _unmet(connection, HOST_KEY_KNOWN)


def key_changed_since(connection: Connection, host_id: int) -> datetime | None:
    """Return when a host was first seen with another key than is pinned; None: it has not
    been, or has shown the pinned one since."""
    table = HOST_CONDITION
    query = select(table.c.since).where(
        table.c.host_id == host_id,
        table.c.type == HOST_KEY_KNOWN,
        table.c.status == Status.FALSE.value,
    )
    return connection.execute(query).scalar()


def _unmet(connection: Connection, kind: str) -> set[int]:
    query = select(HOST_CONDITION.c.host_id).where(
        HOST_CONDITION.c.type == kind, HOST_CONDITION.c.status == Status.FALSE.value
    )
    return set(connection.execute(query).scalars())


def put_ready(
    connection: Connection, host_id: int, *, is_ready: bool, reason: str, now: datetime
) -> None:
    """Note what Kubernetes says of a host's node; nothing for a host that is gone.

    :param reason: Kubernetes' own word, cut to what is kept.
    """
    status = Status.TRUE if is_ready else Status.FALSE
    values = {"status": status.value, "reason": reason[:64], "observer": KUBERNETES}
    _put(connection, host_id, READY, values, now=now)


def put_host_key(
    connection: Connection,
    host_id: int,
    *,
    pinned: str | None,
    is_known: bool,
    observer: str,
    now: datetime,
) -> None:
    """Note whether a host showed the key that is pinned; nothing where the pin is another
    one by now, or the host is gone.

    :param pinned: what it was held to, as `known_hosts` of the host.
    :param observer: who saw it.
    """
    if pinned is None:
        return
    query = select(HOST.c.known_hosts).where(HOST.c.id == host_id).with_for_update()
    if connection.execute(query).scalar() != pinned:
        return
    if is_known:
        forget_host_key(connection, host_id)
        return
    values = {"status": Status.FALSE.value, "reason": "Changed", "observer": observer}
    _put(connection, host_id, HOST_KEY_KNOWN, values, now=now)


def forget_host_key(connection: Connection, host_id: int) -> None:
    """Keep nothing of the key that a host showed."""
    table = HOST_CONDITION
    connection.execute(
        delete(table).where(table.c.host_id == host_id, table.c.type == HOST_KEY_KNOWN)
    )


def _put(
    connection: Connection,
    host_id: int,
    kind: str,
    values: dict[str, str],
    *,
    now: datetime,
) -> None:
    status = values["status"]
    key = (HOST_CONDITION.c.host_id == host_id) & (HOST_CONDITION.c.type == kind)
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
        row = {"host_id": host_id, "type": kind, "since": now, **values}
        connection.execute(HOST_CONDITION.insert().values(row))
