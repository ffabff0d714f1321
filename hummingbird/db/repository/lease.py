# SPDX-License-Identifier: Apache-2.0
"""What only one process at a time may do, and who does it.

A lease is taken again and again by who holds it; one who dies loses it when it ends. The
clocks of the processes' machines must agree to much less than its length.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import LEASE


def take(
    connection: Connection, name: str, *, owner: str, now: datetime, seconds: float
) -> bool:
    """Take or renew a lease; return False while somebody else holds it."""
    until = now + timedelta(seconds=seconds)
    taken = connection.execute(
        update(LEASE)
        .where(LEASE.c.name == name, or_(LEASE.c.owner == owner, LEASE.c.until <= now))
        .values(owner=owner, until=until)
    )
    if taken.rowcount:
        return True
    try:
        with connection.begin_nested():
            connection.execute(
                LEASE.insert().values(name=name, owner=owner, until=until)
            )
    except IntegrityError:
        return False
    return True
