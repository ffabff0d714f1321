# SPDX-License-Identifier: Apache-2.0
"""Applications: rows in, domain objects out."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

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
    connection.execute(delete(APPLICATION).where(APPLICATION.c.name == name))
    connection.execute(
        APPLICATION.insert().values(
            name=name,
            app_version=app_version,
            status=status.value,
            progress=short,
            changed_at=now,
        )
    )
    return True
