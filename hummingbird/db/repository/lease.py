# SPDX-License-Identifier: Apache-2.0
"""Leases: rows that say who alone may do what they name. domain/lease.py has the rules."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import LEASE
from hummingbird.domain.lease import Lease


def find(connection: Connection, name: str) -> Lease | None:
    """Return a lease, or None where nobody ever had it."""
    row = connection.execute(select(*_COLUMNS).where(LEASE.c.name == name)).first()
    return None if row is None else Lease(**row._mapping)


def take(
    connection: Connection, known: Lease, *, owner: str, until: datetime
) -> Lease | None:
    """Take a lease that is as it was seen; return it, or None if it is not.

    Where its holder is in the middle of a transaction it is not taken: somebody works,
    and who asks comes again.

    :param until: wall time, for people.
    """
    is_known = (
        (LEASE.c.name == known.name)
        & (LEASE.c.owner == known.owner)
        & (LEASE.c.epoch == known.epoch)
        & (LEASE.c.renewal == known.renewal)
    )
    free = select(LEASE.c.name).where(is_known).with_for_update(skip_locked=True)
    if connection.execute(free).first() is None:
        return None
    epoch = known.epoch + 1
    taken = connection.execute(
        update(LEASE)
        .where(is_known)
        .values(owner=owner, epoch=epoch, renewal=0, until=until)
    )
    if taken.rowcount != 1:
        return None
    return Lease(name=known.name, owner=owner, epoch=epoch, renewal=0)


def create(
    connection: Connection, name: str, *, owner: str, until: datetime
) -> Lease | None:
    """Take a lease that nobody ever had; return it, or None if somebody was faster."""
    lease = Lease(name=name, owner=owner, epoch=1, renewal=0)
    try:
        with connection.begin_nested():
            connection.execute(
                LEASE.insert().values(
                    name=name, owner=owner, epoch=1, renewal=0, until=until
                )
            )
    except IntegrityError:
        return None
    return lease


def renew(connection: Connection, held: Lease, *, until: datetime) -> bool:
    """Say that its holder lives; return False if it is another's by now."""
    renewed = connection.execute(
        update(LEASE)
        .where(_is_of(held))
        .values(renewal=LEASE.c.renewal + 1, until=until)
    )
    return renewed.rowcount == 1


def release(connection: Connection, held: Lease) -> None:
    """Give it back, if it is its holder's still."""
    connection.execute(update(LEASE).where(_is_of(held)).values(owner=""))


def hold(connection: Connection, held: Lease, *, freeze_seconds: float) -> bool:
    """Return whether `held` is its holder's, and keep it so until the transaction ends.

    A renewal does not wait for this, nor this for a renewal. A holder that freezes in the
    middle of its transaction loses the transaction after `freeze_seconds` (PostgreSQL
    ends it; on SQLite the database is one machine's, and who is frozen holds up all).
    """
    query = select(LEASE.c.name).where(_is_of(held))
    if connection.dialect.name == "postgresql":
        limit = f"{freeze_seconds * 1000:.0f}ms"
        query = query.add_columns(
            func.set_config("idle_in_transaction_session_timeout", limit, True)
        )
        query = query.with_for_update(read=True, key_share=True)
    return connection.execute(query).first() is not None


_COLUMNS = tuple(LEASE.c[name] for name in Lease.__dataclass_fields__)


def _is_of(held: Lease) -> ColumnElement[bool]:
    return (
        (LEASE.c.name == held.name)
        & (LEASE.c.owner == held.owner)
        & (LEASE.c.epoch == held.epoch)
    )
