# SPDX-License-Identifier: Apache-2.0
"""Hosts' rows, locked before what hangs on them (db/lock_order.py)."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from hummingbird.db.model import HOST

CHUNK: Final = 500
"""Ids in one query; databases bound the number of parameters."""


def hold(connection: Connection, host_id: int) -> bool:
    """Have others wait who would change the host, until the transaction ends; return
    whether it is there. Who will change it in the end does this before he takes rows of
    what hangs on it, e.g. of its runs (db/lock_order.py)."""
    query = select(HOST.c.id).where(HOST.c.id == host_id)
    held = connection.execute(query.with_for_update(key_share=True))
    return held.first() is not None


def hold_all(connection: Connection, host_ids: Iterable[int]) -> None:
    """Do so for several, in the order of their ids."""
    wanted = sorted(set(host_ids))
    for start in range(0, len(wanted), CHUNK):
        some = HOST.c.id.in_(wanted[start : start + CHUNK])
        query = select(HOST.c.id).where(some).order_by(HOST.c.id)
        connection.execute(query.with_for_update(key_share=True)).all()
