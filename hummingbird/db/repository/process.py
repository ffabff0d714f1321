# SPDX-License-Identifier: Apache-2.0
"""Who is alive: conductors, gateways and APIs."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from hummingbird import __version__
from hummingbird.db.model import EMN_LINK, LEASE, LINK, PROCESS
from hummingbird.domain.lease import FLEET, is_life_of
from hummingbird.domain.process import CONDUCTOR, Process

_COLUMNS = tuple(PROCESS.c[name] for name in Process.__dataclass_fields__)


def register(
    connection: Connection, *, name: str, kind: str, incarnation: str, now: datetime
) -> None:
    """Say that `name` has just started, in place of its former self."""
    connection.execute(delete(PROCESS).where(PROCESS.c.name == name))
    connection.execute(
        PROCESS.insert().values(
            name=name,
            kind=kind,
            incarnation=incarnation,
            started_at=now,
            beat_at=now,
            version=__version__,
        )
    )


def beat(connection: Connection, *, name: str, incarnation: str, now: datetime) -> bool:
    """Give a sign of life; return False if another of this name has taken its place."""
    result = connection.execute(
        update(PROCESS)
        .where(
            PROCESS.c.name == name,
            PROCESS.c.incarnation == incarnation,
            PROCESS.c.farewell.is_(False),
        )
        .values(beat_at=now, down_since=None, down_observer=None)
    )
    return result.rowcount == 1


def is_registered(connection: Connection, *, name: str, incarnation: str) -> bool:
    """Return whether this life of `name` is the one that is known."""
    query = select(PROCESS.c.id).where(
        PROCESS.c.name == name,
        PROCESS.c.incarnation == incarnation,
        PROCESS.c.farewell.is_(False),
    )
    return connection.execute(query).first() is not None


def unregister(connection: Connection, *, name: str, incarnation: str) -> None:
    """Say goodbye; the row stays, so that who has stopped is seen."""
    connection.execute(
        update(PROCESS)
        .where(PROCESS.c.name == name, PROCESS.c.incarnation == incarnation)
        .values(farewell=True)
    )


def list_all(connection: Connection, *, kind: str) -> list[Process]:
    """Return the processes of a kind, alive or not, by name; none that said goodbye."""
    query = (
        select(*_COLUMNS)
        .where(PROCESS.c.kind == kind, PROCESS.c.farewell.is_(False))
        .order_by(PROCESS.c.name)
    )
    return [Process(**row._mapping) for row in connection.execute(query)]


def everything(connection: Connection) -> list[Process]:
    """Return all processes, those that said goodbye too, by kind and name."""
    query = select(*_COLUMNS).order_by(PROCESS.c.kind, PROCESS.c.name)
    return [Process(**row._mapping) for row in connection.execute(query)]


def leader(connection: Connection) -> str | None:
    """Return the name of the conductor that acts for the fleet; None: none does."""
    query = select(LEASE.c.owner).where(LEASE.c.name == FLEET)
    owner = str(connection.execute(query).scalar() or "")
    known = list_all(connection, kind=CONDUCTOR)
    return next((one.name for one in known if is_life_of(owner, one.name)), None)


def note_down(
    connection: Connection, seen: Process, *, observer: str, now: datetime
) -> bool:
    """Note that a process is silent, unless it has given a sign since it was seen so."""
    noted = connection.execute(
        update(PROCESS)
        .where(
            PROCESS.c.id == seen.id,
            PROCESS.c.incarnation == seen.incarnation,
            PROCESS.c.beat_at == seen.beat_at,
            PROCESS.c.down_since.is_(None),
        )
        .values(down_since=now, down_observer=observer)
    )
    return noted.rowcount == 1


def remove(connection: Connection, one: Process) -> bool:
    """Forget a process that is gone for good, unless it has given a sign since it was seen;
    with a conductor what it saw of its controller's links."""
    gone = connection.execute(
        delete(PROCESS).where(
            PROCESS.c.id == one.id,
            PROCESS.c.incarnation == one.incarnation,
            PROCESS.c.beat_at == one.beat_at,
        )
    )
    if gone.rowcount != 1:
        return False
    if one.kind == CONDUCTOR:
        connection.execute(delete(LINK).where(LINK.c.controller == one.controller))
        connection.execute(
            delete(EMN_LINK).where(EMN_LINK.c.controller == one.controller)
        )
    return True
