# SPDX-License-Identifier: Apache-2.0
"""Address pools: rows in, domain objects out.

No look here grows with the number of hosts: a pool is found by the prefixes of an
address.
"""

import ipaddress
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import ADDRESS, ADDRESS_POOL, SYSTEM
from hummingbird.domain.address import RESERVED, Role, key_of
from hummingbird.domain.address_pool import (
    AddressPool,
    Network,
    Order,
    Range,
    bounds,
    default_ranges,
    parse_network,
)
from hummingbird.errors import (
    AddressPoolConflict,
    AddressPoolInUse,
    AddressPoolTaken,
    NotFound,
)


def _pool(row: Row[Any]) -> AddressPool:
    values = dict(row._mapping)
    values["order"] = Order(values["order"])
    values["ranges"] = tuple((first, last) for first, last in values["ranges"])
    return AddressPool(**values)


def list_all(connection: Connection) -> list[AddressPool]:
    """Return every pool, by id."""
    query = select(ADDRESS_POOL).order_by(ADDRESS_POOL.c.id)
    return [_pool(row) for row in connection.execute(query)]


def find(connection: Connection, name: str) -> AddressPool:
    """Return the pool that `name` means: an integer id, a uuid or a name.

    :raises NotFound: there is none.
    """
    if name.isascii() and name.isdigit() and len(name) < 10:
        where = ADDRESS_POOL.c.id == int(name)
    else:
        try:
            where = ADDRESS_POOL.c.uuid == str(UUID(name))
        except ValueError:
            where = ADDRESS_POOL.c.name == name
    row = connection.execute(select(ADDRESS_POOL).where(where)).first()
    if row is None:
        raise NotFound(kind="Address pool", name=name)
    return _pool(row)


def of_emn(connection: Connection, emn_id: int) -> list[AddressPool]:
    """Return the pools of an EMN, IPv4 first: one, or one of each family."""
    query = select(ADDRESS_POOL).where(ADDRESS_POOL.c.emn_id == emn_id)
    rows = connection.execute(query.order_by(ADDRESS_POOL.c.family))
    return [_pool(row) for row in rows]


def of_address(connection: Connection, address: str) -> AddressPool | None:
    """Return the pool that `address` is in, the smallest one, or None."""
    ip = ipaddress.ip_address(address)
    found = _containing(connection, ipaddress.ip_network(ip))
    return found[0] if found else None


def _containing(connection: Connection, network: Network) -> list[AddressPool]:
    """Return the pools that contain all of `network`, the smallest first."""
    # By each prefix that it has: an index finds them, however many pools there are.
    first, last = bounds(network)
    starts = {
        key_of(network.supernet(new_prefix=prefix).network_address)
        for prefix in range(network.prefixlen + 1)
    }
    rows = connection.execute(
        select(ADDRESS_POOL)
        .where(ADDRESS_POOL.c.first_key.in_(sorted(starts)))
        .order_by(ADDRESS_POOL.c.prefix.desc())
    )
    return [
        pool
        for pool in map(_pool, rows)
        if pool.first_key <= first and pool.last_key >= last
    ]


def _within(connection: Connection, first: str, last: str) -> list[AddressPool]:
    """Return the pools of whose addresses all are between two keys."""
    rows = connection.execute(
        select(ADDRESS_POOL)
        .where(ADDRESS_POOL.c.first_key >= first, ADDRESS_POOL.c.first_key <= last)
        .order_by(ADDRESS_POOL.c.first_key)
    )
    return [pool for pool in map(_pool, rows) if pool.last_key <= last]


def parts(connection: Connection, pool: AddressPool) -> list[AddressPool]:
    """Return the pools that are parts of `pool`, by their first address."""
    inside = _within(connection, pool.first_key, pool.last_key)
    return [one for one in inside if one.id != pool.id]


def _overlapping(connection: Connection, network: Network) -> list[AddressPool]:
    """Return the pools that share addresses with `network`: of two networks that do, one
    is in the other."""
    around = _containing(connection, network)
    known = {pool.id for pool in around}
    inside = _within(connection, *bounds(network))
    return around + [pool for pool in inside if pool.id not in known]


def alone(connection: Connection) -> None:
    """Let nobody else make or move pools until this transaction ends: what two of them
    look at is not yet there (SQLite's writers queue anyway)."""
    connection.execute(select(SYSTEM.c.id).with_for_update())


def create(
    connection: Connection,
    *,
    name: str,
    network: Network,
    emn_id: int | None,
    order: Order = Order.RANDOM,
    ranges: Sequence[Range] = (),
    parts_of: Collection[int] = (),
    now: datetime,
) -> AddressPool:
    """Store a new pool.

    :param ranges: what is given out; default: all but the ends.
    :param parts_of: EMNs of whose networks its own may be a part.
    :raises AddressPoolTaken: its name or some of its addresses are another's.
    :raises AddressPoolInUse: hosts of another pool have addresses in it.
    """
    alone(connection)
    for holder in _overlapping(connection, network):
        if holder.emn_id not in parts_of or holder.prefix >= network.prefixlen:
            raise AddressPoolTaken(name=name, holder=f"{holder.name} ({holder.cidr})")
    first, last = bounds(network)
    _refuse_hosts_between(connection, first, last, network)
    uuid = str(uuid4())
    try:
        with connection.begin_nested():
            connection.execute(
                ADDRESS_POOL.insert().values(
                    uuid=uuid,
                    name=name,
                    emn_id=emn_id,
                    network=str(network.network_address),
                    prefix=network.prefixlen,
                    family=network.version,
                    order=order.value,
                    ranges=[list(one) for one in ranges or default_ranges(network)],
                    first_key=first,
                    last_key=last,
                    generation=1,
                    created_at=now,
                )
            )
    except IntegrityError as error:
        raise AddressPoolTaken(name=name, holder=_why(emn_id)) from error
    return _around_what_is_there(connection, find(connection, uuid))


def _refuse_hosts_between(
    connection: Connection, first: str, last: str, network: Network
) -> None:
    found = connection.execute(
        select(ADDRESS.c.address, ADDRESS.c.name)
        .where(
            ADDRESS.c.key >= first,
            ADDRESS.c.key <= last,
            ADDRESS.c.pool_id.is_not(None),
            ADDRESS.c.role == Role.HOST.value,
        )
        .limit(1)
    ).first()
    if found is not None:
        raise AddressPoolInUse(
            message=f"{found.address} ({found.name}) is in {network} already, as one of"
            " another network; give that host another address first."
        )


def _around_what_is_there(connection: Connection, pool: AddressPool) -> AddressPool:
    """Have the addresses in the pool's network that are of no pool be of it."""
    connection.execute(
        update(ADDRESS)
        .where(
            ADDRESS.c.key >= pool.first_key,
            ADDRESS.c.key <= pool.last_key,
            ADDRESS.c.pool_id.is_(None),
        )
        .values(pool_id=pool.id)
    )
    return pool


def _why(emn_id: int | None) -> str:
    # Which of the rules was broken, the databases tell in words of their own.
    return "another pool" if emn_id is None else "a pool of that name or family"


def change(
    connection: Connection, pool: AddressPool, *, now: datetime, **values: Any
) -> AddressPool:
    """Write `values` to the pool as it was read; return it as it is now.

    :raises AddressPoolConflict: somebody changed it meanwhile.
    :raises AddressPoolTaken: a name, a network's place or an address is another's.
    """
    if "order" in values:
        values["order"] = values["order"].value
    if "ranges" in values:
        values["ranges"] = [list(one) for one in values["ranges"]]
        values["next_key"] = None
    statement = (
        update(ADDRESS_POOL)
        .where(
            ADDRESS_POOL.c.id == pool.id, ADDRESS_POOL.c.generation == pool.generation
        )
        .values(generation=pool.generation + 1, updated_at=now, **values)
    )
    try:
        with connection.begin_nested():
            changed = connection.execute(statement).rowcount
    except IntegrityError as error:
        name = values.get("name", pool.name)
        holder = _why(values.get("emn_id", pool.emn_id))
        raise AddressPoolTaken(name=name, holder=holder) from error
    if changed != 1:
        raise AddressPoolConflict(name=pool.name)
    return _around_what_is_there(connection, find(connection, pool.uuid))


def hold(connection: Connection, pool: AddressPool) -> AddressPool:
    """Return the pool; nobody is given an address of it until this transaction ends."""
    query = select(ADDRESS_POOL.c.id).where(ADDRESS_POOL.c.id == pool.id)
    connection.execute(query.with_for_update())
    return pool


def remove(connection: Connection, pool: AddressPool) -> None:
    """Delete the pool and what it keeps for itself; no host may have an address in it."""
    hold(connection, pool)
    roles = [role.value for role in RESERVED]
    within = ADDRESS.c.pool_id == pool.id
    connection.execute(delete(ADDRESS).where(within, ADDRESS.c.role.in_(roles)))
    # What is left is a controller's, or of a host's board management.
    connection.execute(update(ADDRESS).where(within).values(pool_id=None))
    connection.execute(delete(ADDRESS_POOL).where(ADDRESS_POOL.c.id == pool.id))


def host_addresses(connection: Connection, pool: AddressPool) -> int:
    """Return how many hosts' addresses are in the pool."""
    return connection.execute(
        select(func.count()).where(
            ADDRESS.c.pool_id == pool.id, ADDRESS.c.role == Role.HOST.value
        )
    ).scalar_one()


def refuse_move(connection: Connection, pool: AddressPool, network: Network) -> None:
    """Return if the pool may be of `network` instead.

    :raises AddressPoolInUse: somebody has an address that it does not contain, or the
        pool is a part of another, or has parts.
    :raises AddressPoolTaken: some of its addresses are another pool's.
    """
    first, last = bounds(network)
    without = connection.execute(
        select(ADDRESS.c.address, ADDRESS.c.name)
        .where(
            ADDRESS.c.pool_id == pool.id,
            (ADDRESS.c.key < first) | (ADDRESS.c.key > last),
            ADDRESS.c.role.not_in([role.value for role in RESERVED]),
        )
        .limit(1)
    ).first()
    if without is not None:
        raise AddressPoolInUse(
            message=f"{without.address} ({without.name}) is not in {network}."
        )
    for one in _overlapping(connection, parse_network(pool.network, pool.prefix)):
        if one.id != pool.id:
            raise AddressPoolInUse(
                message=f"{pool.name} ({pool.cidr}) and {one.name} ({one.cidr}) are one"
                " subnet; it can't change while they are."
            )
    for one in _overlapping(connection, network):
        if one.id != pool.id:
            raise AddressPoolTaken(name=pool.name, holder=f"{one.name} ({one.cidr})")
