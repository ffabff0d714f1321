# SPDX-License-Identifier: Apache-2.0
"""Whether the board management controllers of hosts answer, as was last seen."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select

from hummingbird.db.model import ADDRESS, BOARD, HOST
from hummingbird.db.repository import ids
from hummingbird.domain.board import BoardSeen

_IS_BOARD = (ADDRESS.c.role == "board") & ADDRESS.c.host_id.is_not(None)
_IS_AWAY = BOARD.c.away_since.is_not(None) & exists().where(
    _IS_BOARD, ADDRESS.c.host_id == BOARD.c.host_id
)


def hosts(connection: Connection) -> set[int]:
    """Return the ids of the hosts whose settings name a board."""
    return set(connection.execute(select(ADDRESS.c.host_id).where(_IS_BOARD)).scalars())


def seen(connection: Connection, host_ids: Iterable[int]) -> dict[int, BoardSeen]:
    """Return what is known of the boards of some hosts, few of them, by host id."""
    columns = [BOARD.c[name] for name in BoardSeen.__dataclass_fields__]
    query = select(*columns).where(BOARD.c.host_id.in_(list(host_ids)))
    return {row.host_id: BoardSeen(**row._mapping) for row in connection.execute(query)}


def away(connection: Connection, *, among: Iterable[int] | None = None) -> set[int]:
    """Return the ids of the hosts whose board does not let us in.

    :param among: of which hosts; None: of all.
    """
    query = select(BOARD.c.host_id).where(_IS_AWAY)
    return ids.of(connection, query, BOARD.c.host_id, among=among)


def complaints(connection: Connection) -> list[str]:
    """Return why each of them does not let us in, by host."""
    query = select(BOARD.c.reason).where(_IS_AWAY).order_by(BOARD.c.host_id)
    return list(connection.execute(query).scalars())


def note_answered(connection: Connection, host_id: int, *, now: datetime) -> None:
    """Keep that a board let us in."""
    _put(connection, host_id, answered_at=now, away_since=None, reason=None)


def note_away(
    connection: Connection, host_id: int, *, reason: str, now: datetime
) -> None:
    """Keep that a board does not let us in; since when stays as it was first seen."""
    known = connection.execute(
        select(BOARD.c.away_since).where(BOARD.c.host_id == host_id)
    ).scalar_one_or_none()
    _put(connection, host_id, away_since=known or now, reason=reason)


def forget(connection: Connection, host_id: int) -> None:
    """Keep nothing of the board of a host, that has another one or none."""
    connection.execute(delete(BOARD).where(BOARD.c.host_id == host_id))


def _put(connection: Connection, host_id: int, **values: object) -> None:
    changed = connection.execute(
        BOARD.update().where(BOARD.c.host_id == host_id).values(**values)
    )
    if changed.rowcount:
        return
    # A select, so that a host that was deleted meanwhile gets no row.
    there = connection.execute(
        select(HOST.c.id).where(HOST.c.id == host_id).with_for_update()
    ).first()
    if there is not None:
        connection.execute(BOARD.insert().values(host_id=host_id, **values))
