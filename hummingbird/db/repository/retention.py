# SPDX-License-Identifier: Apache-2.0
"""Takes the oldest rows away, some at a time.

Rows are looked at by their ids, which are in the order of their making, from the lowest
on: a look that finds nothing to take away costs one batch, however long the table is.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Column, Connection, Table, delete, select

from hummingbird.db.model import AUDIT_LOG, EVENT_LOG, RUN, RUN_EVENT
from hummingbird.domain.run import ENDED

_ENDED = [state.value for state in ENDED]


class Kind(Enum):
    """What is kept for a time only."""

    RUNS = "runs"
    EVENTS = "lines of the event log"
    AUDIT = "rows of the audit log"


_TABLES: dict[Kind, tuple[Table, Column[datetime]]] = {
    Kind.RUNS: (RUN, RUN.c.queued_at),
    Kind.EVENTS: (EVENT_LOG, EVENT_LOG.c.at),
    Kind.AUDIT: (AUDIT_LOG, AUDIT_LOG.c.at),
}


@dataclass(frozen=True)
class Taken:
    """What one batch took away."""

    count: int
    upto: int | None
    """Where the next batch begins; None: there is nothing more to take away."""


def beyond(connection: Connection, kind: Kind, *, most: int) -> int:
    """Return the id of the latest row that is beyond the `most` latest; 0: none is."""
    key = _TABLES[kind][0].c.id
    query = select(key).order_by(key.desc()).offset(most).limit(1)
    return connection.execute(query).scalar() or 0


def take_away(
    connection: Connection,
    kind: Kind,
    *,
    after: int,
    before: datetime,
    edge: int,
    batch: int,
    young: datetime | None = None,
) -> Taken:
    """Delete some rows, of runs those that have ended, with their events.

    :param after: the id where the former batch ended.
    :param before: what is of an earlier time may go.
    :param edge: what has no higher id may go, too.
    :param young: what is of this time or later stays, beyond the edge too.
    """
    table, at = _TABLES[kind]
    query = select(table.c.id, at).where(table.c.id > after).order_by(table.c.id)
    rows = connection.execute(query.limit(batch)).all()
    old = [
        row[0]
        for row in rows
        if row[1] < before or (row[0] <= edge and (young is None or row[1] < young))
    ]
    gone = _delete_runs(connection, old) if kind is Kind.RUNS else old
    if kind is not Kind.RUNS and old:
        connection.execute(delete(table).where(table.c.id.in_(old)))
    # One row may have been written by a clock that was wrong: it holds up no others.
    is_more = len(rows) == batch and bool(old)
    return Taken(len(gone), rows[-1][0] if is_more else None)


def _delete_runs(connection: Connection, ids: list[int]) -> list[int]:
    # Locked before their events are taken away: one that is being resumed stays.
    query = select(RUN.c.id).where(RUN.c.id.in_(ids), RUN.c.state.in_(_ENDED))
    locked = query.order_by(RUN.c.id).with_for_update(skip_locked=True)
    ended = list(connection.execute(locked).scalars()) if ids else []
    if ended:
        connection.execute(delete(RUN_EVENT).where(RUN_EVENT.c.run_id.in_(ended)))
        connection.execute(delete(RUN).where(RUN.c.id.in_(ended)))
    return ended
