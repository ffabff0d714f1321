# SPDX-License-Identifier: Apache-2.0
"""What the controllers of a deployment share, by name: texts, all but one sealed."""

from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import DEPLOYMENT
from hummingbird.domain.deployment import Shared


def read(connection: Connection) -> dict[Shared, str]:
    """Return what is there."""
    rows = connection.execute(select(DEPLOYMENT.c.name, DEPLOYMENT.c.content))
    known = {item.value for item in Shared}
    return {Shared(row.name): row.content for row in rows if row.name in known}


def put_first(
    connection: Connection, name: Shared, content: str, *, now: datetime
) -> bool:
    """Store what nobody has stored yet; return False where somebody has."""
    try:
        with connection.begin_nested():
            connection.execute(
                DEPLOYMENT.insert().values(
                    name=name.value, content=content, changed_at=now
                )
            )
    except IntegrityError:
        return False
    return True


def replace(
    connection: Connection, name: Shared, content: str, *, now: datetime
) -> None:
    """Change what is there already."""
    connection.execute(
        update(DEPLOYMENT)
        .where(DEPLOYMENT.c.name == name.value)
        .values(content=content, changed_at=now)
    )
