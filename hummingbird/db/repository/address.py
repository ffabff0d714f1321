# SPDX-License-Identifier: Apache-2.0
"""Addresses: rows in, domain objects out. That nobody has one twice is the table's own
rule, held across hosts, pools, families and writers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import ADDRESS
from hummingbird.db.repository import address_pool
from hummingbird.domain.address import RESERVED, Address, Role, key
from hummingbird.errors import (
    AddressReserved,
    AddressTaken,
    HummingbirdError,
    NotFound,
)


def _address(row: Row[Any]) -> Address:
    values = dict(row._mapping)
    return Address(**{**values, "role": Role(values["role"])})


def list_all(
    connection: Connection,
    *,
    descending: bool = False,
    limit: int | None = None,
    after: Address | None = None,
) -> list[Address]:
    """Return addresses by id.

    :param after: the last one of the page before.
    """
    query: Select[Any] = select(ADDRESS)
    if after is not None:
        beyond = ADDRESS.c.id < after.id if descending else ADDRESS.c.id > after.id
        query = query.where(beyond)
    query = query.order_by(ADDRESS.c.id.desc() if descending else ADDRESS.c.id)
    if limit:
        query = query.limit(limit)
    return [_address(row) for row in connection.execute(query)]


def of_host(
    connection: Connection, host_id: int, *, role: Role = Role.HOST
) -> list[Address]:
    """Return the host's addresses, IPv4 first."""
    query = select(ADDRESS).where(
        ADDRESS.c.host_id == host_id, ADDRESS.c.role == role.value
    )
    return [_address(row) for row in connection.execute(query.order_by(ADDRESS.c.key))]


def of_role(connection: Connection, role: Role, *, name: str) -> list[Address]:
    """Return what is kept under this name, by address."""
    query = select(ADDRESS).where(ADDRESS.c.role == role.value, ADDRESS.c.name == name)
    return [_address(row) for row in connection.execute(query.order_by(ADDRESS.c.key))]


def find(connection: Connection, name: str) -> Address:
    """Return the address that `name` means: an integer id or a uuid.

    :raises NotFound: there is none.
    """
    row = None
    if name.isascii() and name.isdigit() and len(name) < 10:
        where = ADDRESS.c.id == int(name)
        row = connection.execute(select(ADDRESS).where(where)).first()
    else:
        try:
            where = ADDRESS.c.uuid == str(UUID(name))
            row = connection.execute(select(ADDRESS).where(where)).first()
        except ValueError:
            row = None
    if row is None:
        raise NotFound(kind="Address", name=name)
    return _address(row)


def holder(connection: Connection, address: str) -> Address | None:
    """Return who has `address`, or None."""
    row = connection.execute(
        select(ADDRESS).where(ADDRESS.c.address == address)
    ).first()
    return None if row is None else _address(row)


def taken(found: Address) -> HummingbirdError:
    """Return the refusal of an address that `found` has."""
    if found.role in (Role.HOST, Role.BOARD):
        hostname = found.name.rpartition("-")[0]
        if found.role is Role.BOARD:
            hostname = f"{hostname} (its board management)"
        return AddressTaken(address=found.address, holder=hostname)
    return AddressReserved(address=found.address, holder=found.name)


def _taken_a_moment_ago(address: str) -> HummingbirdError:
    # And given back since, or the second look would say by whom.
    return AddressTaken(address=address, holder="somebody else")


def refuse_taken(
    connection: Connection, addresses: Iterable[str], *, but: int | None = None
) -> None:
    """Return if nobody has one of `addresses`.

    :param but: a host that may have them.
    :raises AddressTaken, AddressReserved: somebody has.
    """
    wanted = list(addresses)
    if not wanted:
        return
    query = select(ADDRESS).where(ADDRESS.c.address.in_(wanted))
    for row in connection.execute(query.order_by(ADDRESS.c.id)):
        found = _address(row)
        if found.host_id is None or found.host_id != but:
            raise taken(found)


def put(
    connection: Connection,
    address: str,
    *,
    role: Role,
    name: str,
    host_id: int | None = None,
    now: datetime,
) -> None:
    """Store an address, of the pool that contains it.

    :raises IntegrityError: somebody has it; the caller has begun a savepoint.
    """
    pool = address_pool.of_address(connection, address)
    connection.execute(
        ADDRESS.insert().values(
            uuid=str(uuid4()),
            address=address,
            key=key(address),
            pool_id=None if pool is None else pool.id,
            host_id=host_id,
            role=role.value,
            name=name,
            created_at=now,
        )
    )


def add(
    connection: Connection,
    address: str,
    *,
    role: Role,
    name: str,
    host_id: int | None = None,
    now: datetime,
) -> Address:
    """Store an address that nobody has yet.

    :raises AddressTaken, AddressReserved: somebody has.
    """
    refuse_taken(connection, [address])
    try:
        with connection.begin_nested():
            put(connection, address, role=role, name=name, host_id=host_id, now=now)
    except IntegrityError as error:
        refuse_taken(connection, [address])
        raise _taken_a_moment_ago(address) from error
    found = holder(connection, address)
    assert found is not None
    return found


def move(connection: Connection, found: Address, to: str, *, now: datetime) -> None:
    """Have the holder of one address have another in its place.

    :raises AddressTaken, AddressReserved: somebody has it.
    """
    refuse_taken(connection, [to])
    pool = address_pool.of_address(connection, to)
    values = {
        "address": to,
        "key": key(to),
        "pool_id": None if pool is None else pool.id,
        "updated_at": now,
    }
    try:
        with connection.begin_nested():
            connection.execute(
                update(ADDRESS).where(ADDRESS.c.id == found.id).values(**values)
            )
    except IntegrityError as error:
        refuse_taken(connection, [to])
        raise _taken_a_moment_ago(to) from error


def remove(connection: Connection, found: Address) -> None:
    """Give the address back."""
    connection.execute(delete(ADDRESS).where(ADDRESS.c.id == found.id))


def remove_of_host(
    connection: Connection, host_id: int, *, role: Role = Role.HOST
) -> None:
    """Give back what the host has for `role`."""
    connection.execute(
        delete(ADDRESS).where(
            ADDRESS.c.host_id == host_id, ADDRESS.c.role == role.value
        )
    )


def reserved(
    connection: Connection, pool_id: int | None = None
) -> Mapping[int, Mapping[Role, Address]]:
    """Return what pools keep for themselves, by pool and role.

    :param pool_id: of this pool alone.
    """
    roles = [role.value for role in RESERVED]
    query = select(ADDRESS).where(ADDRESS.c.role.in_(roles))
    if pool_id is None:
        pools = address_pool.list_all(connection)
        query = query.where(ADDRESS.c.pool_id.in_([pool.id for pool in pools]))
    else:
        query = query.where(ADDRESS.c.pool_id == pool_id)
    found: dict[int, dict[Role, Address]] = {}
    for row in connection.execute(query):
        one = _address(row)
        assert one.pool_id is not None
        found.setdefault(one.pool_id, {})[one.role] = one
    return found
