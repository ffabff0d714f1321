# SPDX-License-Identifier: Apache-2.0
"""Who is alive: conductors and gateways."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from hummingbird.db.model import PROCESS


@dataclass(frozen=True, kw_only=True)
class Process:
    """One conductor or gateway and its last sign of life."""

    id: int
    name: str
    kind: str
    incarnation: str
    """A uuid made at each start, so that a restart is seen even within one lease."""
    started_at: datetime
    beat_at: datetime


_COLUMNS = tuple(PROCESS.c[name] for name in Process.__dataclass_fields__)


def register(
    connection: Connection, *, name: str, kind: str, incarnation: str, now: datetime
) -> None:
    """Say that `name` has just started, in place of its former self."""
    connection.execute(delete(PROCESS).where(PROCESS.c.name == name))
    connection.execute(
        PROCESS.insert().values(
            name=name, kind=kind, incarnation=incarnation, started_at=now, beat_at=now
        )
    )


def beat(connection: Connection, *, name: str, incarnation: str, now: datetime) -> bool:
    """Give a sign of life; return False if another of this name has taken its place."""
    result = connection.execute(
        update(PROCESS)
        .where(PROCESS.c.name == name, PROCESS.c.incarnation == incarnation)
        .values(beat_at=now)
    )
    return result.rowcount == 1


def is_registered(connection: Connection, *, name: str, incarnation: str) -> bool:
    """Return whether this life of `name` is the one that is known."""
    query = select(PROCESS.c.id).where(
        PROCESS.c.name == name, PROCESS.c.incarnation == incarnation
    )
    return connection.execute(query).first() is not None


def unregister(connection: Connection, *, name: str, incarnation: str) -> None:
    """Say goodbye."""
    connection.execute(
        delete(PROCESS).where(
            PROCESS.c.name == name, PROCESS.c.incarnation == incarnation
        )
    )


def list_all(connection: Connection, *, kind: str) -> list[Process]:
    """Return the processes of a kind, alive or not, by name; none that said goodbye."""
    query = (
        select(*_COLUMNS)
        .where(PROCESS.c.kind == kind, PROCESS.c.farewell.is_(False))
        .order_by(PROCESS.c.name)
    )
    return [Process(**row._mapping) for row in connection.execute(query)]
