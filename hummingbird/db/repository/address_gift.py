# SPDX-License-Identifier: Apache-2.0
"""Finds an address for who asks for any.

It is looked for by the order of those that are taken, from where the last one was given
out, or from anywhere. No look grows with the number of hosts; only how full a pool is
there makes it longer.
"""

import secrets
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select, update

from hummingbird.db.model import ADDRESS, ADDRESS_POOL
from hummingbird.db.repository import address_pool
from hummingbird.domain.address import address_of, further, key
from hummingbird.domain.address_pool import AddressPool, Order
from hummingbird.errors import AddressPoolFull

_FIRST_BATCH = 4
_LARGEST_BATCH = 4096


def give(connection: Connection, pool: AddressPool) -> str:
    """Return an address of the pool's ranges that nobody has.

    It is not the caller's before it is stored: until then another may choose it. One who
    asks a sequential pool as well waits until this transaction ends.

    :raises AddressPoolFull: every one of them is taken.
    """
    spans = _spans(connection, pool)
    if not spans:
        raise AddressPoolFull(name=pool.name)
    if pool.order is Order.RANDOM:
        found = _free_from(connection, spans, _any_of(spans))
    else:
        # Not the row's key: who stores an address refers to it meanwhile.
        start = connection.execute(
            select(ADDRESS_POOL.c.next_key)
            .where(ADDRESS_POOL.c.id == pool.id)
            .with_for_update(key_share=True)
        ).scalar()
        found = _free_from(connection, spans, start or spans[0][0])
        if found is not None:
            connection.execute(
                update(ADDRESS_POOL)
                .where(ADDRESS_POOL.c.id == pool.id)
                .values(next_key=further(found))
            )
    if found is None:
        raise AddressPoolFull(name=pool.name)
    return address_of(found)


def _spans(connection: Connection, pool: AddressPool) -> list[tuple[str, str]]:
    """Return what the pool gives out, without what is of pools that are parts of it."""
    spans = [(key(first), key(last)) for first, last in pool.ranges]
    for part in address_pool.parts(connection, pool):
        spans = [
            piece
            for first, last in spans
            for piece in (
                (first, min(last, further(part.first_key, -1))),
                (max(first, further(part.last_key)), last),
            )
            if piece[0] <= piece[1]
        ]
    return spans


def _any_of(spans: Sequence[tuple[str, str]]) -> str:
    sizes = [int(last[1:], 16) - int(first[1:], 16) + 1 for first, last in spans]
    number = secrets.randbelow(sum(sizes))
    for (first, _), size in zip(spans, sizes, strict=True):
        if number < size:
            return further(first, number)
        number -= size
    raise AssertionError("the number is below the sum of the sizes")


def _free_from(
    connection: Connection, spans: Sequence[tuple[str, str]], start: str
) -> str | None:
    for first, last in _around(spans, start):
        wanted = first
        for taken in _taken(connection, first, last):
            if taken != wanted:
                return wanted
            wanted = further(wanted)
        if wanted <= last:
            return wanted
    return None


def _around(spans: Sequence[tuple[str, str]], start: str) -> Iterator[tuple[str, str]]:
    """Yield all spans once, beginning at `start`."""
    for first, last in spans:
        if last >= start:
            yield max(first, start), last
    for first, last in spans:
        if first < start:
            yield first, min(last, further(start, -1))


def _taken(connection: Connection, first: str, last: str) -> Iterator[str]:
    """Yield the keys that somebody has, in order, read in growing batches."""
    size = _FIRST_BATCH
    while True:
        batch = (
            connection.execute(
                select(ADDRESS.c.key)
                .where(ADDRESS.c.key >= first, ADDRESS.c.key <= last)
                .order_by(ADDRESS.c.key)
                .limit(size)
            )
            .scalars()
            .all()
        )
        yield from batch
        if len(batch) < size:
            return
        first = further(batch[-1])
        size = min(size * 4, _LARGEST_BATCH)
