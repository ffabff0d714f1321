# SPDX-License-Identifier: Apache-2.0
"""What was concluded of hosts that are silent; written by the reconciler `liveness`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    bindparam,
    delete,
    false,
    select,
    true,
    update,
)

from hummingbird.db.model import HEARTBEAT, VERDICT
from hummingbird.domain.liveness import Liveness
from hummingbird.domain.verdict import Concluded

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""


def list_all(connection: Connection) -> dict[int, Concluded]:
    """Return what was concluded, by host id."""
    return {
        row.host_id: Concluded(Liveness(row.liveness), row.look_seconds)
        for row in connection.execute(select(VERDICT))
    }


def of_hosts(connection: Connection, host_ids: Iterable[int]) -> dict[int, Concluded]:
    """Return what was concluded of these hosts, by host id."""
    wanted = sorted(host_ids)
    found: dict[int, Concluded] = {}
    for start in range(0, len(wanted), CHUNK):
        some = VERDICT.c.host_id.in_(wanted[start : start + CHUNK])
        for row in connection.execute(select(VERDICT).where(some)):
            found[row.host_id] = Concluded(Liveness(row.liveness), row.look_seconds)
    return found


def settled(
    connection: Connection, host_ids: Iterable[int] | None = None
) -> dict[int, bool]:
    """Return whether the heartbeats of these hosts, or of all, are settled, by host id."""
    query = select(HEARTBEAT.c.host_id, HEARTBEAT.c.settled)
    if host_ids is None:
        return {row.host_id: row.settled for row in connection.execute(query)}
    wanted = sorted(host_ids)
    found: dict[int, bool] = {}
    for start in range(0, len(wanted), CHUNK):
        some = HEARTBEAT.c.host_id.in_(wanted[start : start + CHUNK])
        for row in connection.execute(query.where(some)):
            found[row.host_id] = row.settled
    return found


def settle(connection: Connection, host_ids: Iterable[int], *, to: bool) -> None:
    """Say of the heartbeats of these hosts that somebody has looked at them since they were
    due; or that they are to be looked at when they are."""
    wanted = sorted(host_ids)
    for start in range(0, len(wanted), CHUNK):
        some = HEARTBEAT.c.host_id.in_(wanted[start : start + CHUNK])
        connection.execute(
            update(HEARTBEAT).where(some).values(settled=true() if to else false())
        )


def put(
    connection: Connection,
    concluded: Mapping[int, Concluded],
    *,
    known: Iterable[int],
) -> None:
    """Write what is concluded of hosts, by host id.

    :param known: those of them that have a row.
    """
    there = set(known)
    rows: dict[bool, list[dict[str, object]]] = {True: [], False: []}
    for host_id, one in sorted(concluded.items()):
        rows[host_id in there].append(
            {
                "of_host": host_id,
                "new_liveness": one.liveness.value,
                "new_look_seconds": one.look_seconds,
            }
        )
    if rows[True]:
        connection.execute(_AGAIN, rows[True])
    if rows[False]:
        connection.execute(_FIRST, rows[False])


def remove(connection: Connection, host_ids: Iterable[int]) -> None:
    """Conclude nothing of these hosts."""
    wanted = sorted(host_ids)
    for start in range(0, len(wanted), CHUNK):
        some = VERDICT.c.host_id.in_(wanted[start : start + CHUNK])
        connection.execute(delete(VERDICT).where(some))


_NEW: Final[dict[Column[Any], Any]] = {
    VERDICT.c.liveness: bindparam("new_liveness"),
    VERDICT.c.look_seconds: bindparam("new_look_seconds"),
}
_AGAIN = update(VERDICT).where(VERDICT.c.host_id == bindparam("of_host")).values(_NEW)
_FIRST = VERDICT.insert().values({VERDICT.c.host_id: bindparam("of_host"), **_NEW})
