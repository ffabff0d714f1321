# SPDX-License-Identifier: Apache-2.0
"""Applications: rows in, domain objects out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import APPLICATION
from hummingbird.domain.application import (
    PROGRESS_MAX,
    Application,
    ApplicationStatus,
)


def find(connection: Connection, name: str) -> Application | None:
    """Return the application of this name as it was last seen, or None."""
    row = connection.execute(
        select(APPLICATION).where(APPLICATION.c.name == name)
    ).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return Application(**{**values, "status": ApplicationStatus(values["status"])})


def put(
    connection: Connection,
    name: str,
    *,
    app_version: str,
    status: ApplicationStatus,
    progress: str | None,
    now: datetime,
) -> bool:
    """Say how an application is; return whether that is news."""
    short = None if progress is None else progress[:PROGRESS_MAX]
    known = find(connection, name)
    if known is not None and (known.app_version, known.status, known.progress) == (
        app_version,
        status,
        short,
    ):
        return False
    values = {
        "app_version": app_version,
        "status": status.value,
        "progress": short,
        "changed_at": now,
    }
    if _update(connection, name, values):
        return True
    try:
        with connection.begin_nested():
            connection.execute(APPLICATION.insert().values(name=name, **values))
    except IntegrityError:
        # Another conductor says it for the first time at the same moment.
        _update(connection, name, values)
    return True


def _update(connection: Connection, name: str, values: Mapping[str, Any]) -> bool:
    changed = connection.execute(
        update(APPLICATION).where(APPLICATION.c.name == name).values(**values)
    )
    return changed.rowcount == 1
