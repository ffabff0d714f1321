# SPDX-License-Identifier: Apache-2.0
"""What gateways say of their own hearing, in their rows of the table of processes.

Written by each gateway in the transaction that writes what it heard; read by whoever
judges silence. `domain/hearing.py` says what the numbers mean: moments on the listening
clock, in seconds. A reader does this:

    hearing = read(connection)
    beat = heartbeat.of_host(connection, host_id)
    hearing.silence_seconds(beat.heard_seconds, gateway=beat.gateway)

and finds the hosts whose silence may mean something by `heartbeat.due_seconds <=
hearing.through`, which is indexed. Both are read in one transaction, or `hearing` first:
then what it says is complete is in the rows that are read after it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, case, delete, func, select, update

from hummingbird import __version__
from hummingbird.db.model import HEARTBEAT, PROCESS
from hummingbird.domain.hearing import GatewayRecord, Hearing, hearing_of
from hummingbird.domain.process import Process

KIND: Final = "gateway"
KEPT_SECONDS: Final = 86400.0
"""How long a gateway that ended, or is gone, is remembered: longer than any allowance."""


def read(connection: Connection) -> Hearing:
    """Return what all gateways say, those that ended or are gone too."""
    return read_all(connection)[0]


def read_all(connection: Connection) -> tuple[Hearing, list[Process]]:
    """Return what all gateways say, and those that say nothing since they are of a release
    before, and have not said goodbye."""
    rows = connection.execute(_GATEWAYS).all()
    # One that is long gone is remembered as a process, until somebody deletes it.
    moments = (row.clock_seconds for row in rows if row.clock_seconds is not None)
    oldest = max(moments, default=0.0) - KEPT_SECONDS
    known = hearing_of(
        GatewayRecord(
            name=row.name,
            incarnation=row.incarnation,
            clock=row.clock_seconds,
            listening_since=row.listening_seconds,
            complete=row.complete_seconds,
            gone_after=row.gone_after_seconds,
            farewell=row.farewell,
        )
        for row in rows
        if row.clock_seconds is not None and row.clock_seconds >= oldest
    )
    older = [
        Process(**{name: getattr(row, name) for name in Process.__dataclass_fields__})
        for row in rows
        if row.clock_seconds is None and not row.farewell
    ]
    return known, older


_GATEWAYS: Final = (
    select(PROCESS).where(PROCESS.c.kind == KIND).order_by(PROCESS.c.name)
)
"""Made once: to build a statement takes longer than to run it for a few rows."""


def clocks(connection: Connection) -> dict[str, float]:
    """Return the listening clock as each life of a gateway wrote it last, by its
    incarnation. The highest of them is what the shared clock says."""
    found = {row[0]: row[1] for row in connection.execute(_CLOCKS)}
    if not found:
        # Somebody has deleted the rows: nothing may be from the future.
        highest = select(func.max(HEARTBEAT.c.due_seconds))
        found[""] = connection.execute(highest).scalar() or 0.0
    return found


_CLOCKS: Final = select(PROCESS.c.incarnation, PROCESS.c.clock_seconds).where(
    PROCESS.c.clock_seconds.is_not(None)
)


def shared_clock(connection: Connection) -> float:
    """Return what the listening clock says: the highest value that anybody has written."""
    return max(clocks(connection).values())


def write(connection: Connection, record: GatewayRecord, *, now: datetime) -> None:
    """Put this gateway's record in the place of its last one, or of that of a former
    process of its name.

    :param now: wall time, for people; and for a conductor of a release that knew of no
        listening clock, which reads `started_at` as since when it has listened.
    """
    values = {
        "clock_seconds": record.clock,
        "listening_seconds": record.listening_since,
        "complete_seconds": record.complete,
        "gone_after_seconds": record.gone_after,
        "farewell": record.farewell,
        "beat_at": now,
        "version": __version__,
        "down_since": None,
        "down_observer": None,
    }
    known = connection.execute(
        update(PROCESS)
        .where(
            PROCESS.c.name == record.name, PROCESS.c.incarnation == record.incarnation
        )
        .values(
            started_at=case(
                (
                    PROCESS.c.listening_seconds == record.listening_since,
                    PROCESS.c.started_at,
                ),
                else_=now,
            ),
            **values,
        )
    )
    if known.rowcount == 1:
        return
    _forget(connection, record.name)
    connection.execute(
        PROCESS.insert().values(
            name=record.name,
            kind=KIND,
            incarnation=record.incarnation,
            started_at=now,
            **values,
        )
    )


def _forget(connection: Connection, name: str) -> None:
    """Delete the former life of this gateway."""
    connection.execute(
        delete(PROCESS).where(PROCESS.c.kind == KIND, PROCESS.c.name == name)
    )
