# SPDX-License-Identifier: Apache-2.0
"""The audit log: appended to, and read from the end; see retention.py."""

import json
from typing import Final

from sqlalchemy import Connection, insert, select, update

from hummingbird.db.model import AUDIT_LOG
from hummingbird.domain.audit import AuditEntry, StoredEntry

_INSERT: Final = insert(AUDIT_LOG)


def append(connection: Connection, entry: AuditEntry) -> int:
    """Write one entry; return its id."""
    values = {**vars(entry), "roles": json.dumps(entry.roles)}
    inserted = connection.execute(_INSERT, values).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def correct(connection: Connection, entry_id: int, *, status: int) -> None:
    """Write that the answer had another status than was foreseen."""
    connection.execute(
        update(AUDIT_LOG).where(AUDIT_LOG.c.id == entry_id).values(status=status)
    )


def list_latest(
    connection: Connection,
    *,
    limit: int,
    before_id: int | None = None,
    user: str | None = None,
    method: str | None = None,
    path: str | None = None,
) -> list[StoredEntry]:
    """Return entries, the latest first.

    :param path: only entries whose path begins with it.
    """
    query = select(AUDIT_LOG).order_by(AUDIT_LOG.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(AUDIT_LOG.c.id < before_id)
    if user is not None:
        query = query.where(AUDIT_LOG.c.user == user)
    if method is not None:
        query = query.where(AUDIT_LOG.c.method == method)
    if path is not None:
        query = query.where(AUDIT_LOG.c.path.startswith(path, autoescape=True))
    return [
        StoredEntry(
            row["id"],
            AuditEntry(
                **{name: row[name] for name in row if name not in ("id", "roles")},
                roles=tuple(json.loads(row["roles"])),
            ),
        )
        for row in connection.execute(query).mappings()
    ]
