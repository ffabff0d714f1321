# SPDX-License-Identifier: Apache-2.0
"""This system itself, and what a new database is seeded with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import SYSTEM
from hummingbird.db.repository import emn
from hummingbird.domain.emn import Attachment


@dataclass(frozen=True)
class System:
    """One row: this system."""

    id: int
    uuid: str
    name: str
    created_at: datetime


def get(connection: Connection) -> System:
    """Return this system."""
    row = connection.execute(select(SYSTEM)).one()
    return System(**row._mapping)


def adopt_uuid(connection: Connection, uuid: str) -> None:
    """Make `uuid` this system's."""
    connection.execute(update(SYSTEM).values(uuid=uuid))


def seed(connection: Connection, *, name: str, mn_cidr: str, now: datetime) -> None:
    """Make the system's row and the management network, if the database is new."""
    if connection.execute(select(SYSTEM.c.id)).first() is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(
                SYSTEM.insert().values(
                    id=1, uuid=str(uuid4()), name=name, created_at=now
                )
            )
    except IntegrityError:
        return
    emn.create(
        connection,
        name="mn",
        cidr=mn_cidr,
        attachment=Attachment.DIRECT,
        site=None,
        credential_id=None,
        now=now,
    )
