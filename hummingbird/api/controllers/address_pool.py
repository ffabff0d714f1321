# SPDX-License-Identifier: Apache-2.0
"""/v1/addrpools: where hosts' addresses are, and which are given out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.http.precondition import check_match, is_known, show_tag
from hummingbird.api.listing import PAGING, Item, listing
from hummingbird.api.schema.address_pool import (
    WantedPool,
    parse_new_pool,
    parse_pool_change,
)
from hummingbird.api.view.address_pool import address_pool_view
from hummingbird.api.view.network import network_type
from hummingbird.db.repository import address, address_pool, emn
from hummingbird.db.session import Connection
from hummingbird.domain.address import Address, Role
from hummingbird.domain.address_pool import AddressPool, bounds
from hummingbird.domain.emn import Emn
from hummingbird.errors import AddressPoolInUse, AddressPoolTaken

_MOVE = frozenset({"network", "prefix"})
"""What makes other addresses of a pool's."""


def list_all(call: Call) -> Any:
    """GET /v1/addrpools"""
    arguments = call.arguments(*PAGING, "network_type")
    wanted = arguments.get("network_type")
    with call.dependencies.database.snapshot() as connection:
        networks = {one.id: one for one in emn.list_all(connection)}
        reserved = address.reserved(connection)
        items: list[Item] = []
        for pool in address_pool.list_all(connection):
            network = networks.get(pool.emn_id or 0)
            if wanted in (None, None if network is None else network_type(network)):
                view = address_pool_view(
                    pool,
                    reserved=reserved.get(pool.id, {}),
                    emn=None if network is None else network.name,
                )
                items.append((pool.id, view))
    return listing(call, "addrpools", items, arguments)


def get(call: Call) -> Any:
    """GET /v1/addrpools/{pool}: by id, uuid or name"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = address_pool.find(connection, call.name)
        return None if is_known(call, found) else _view(call, connection, found)


def create(call: Call) -> Any:
    """POST /v1/addrpools"""
    call.arguments()
    wanted = parse_new_pool(call.json_object())
    now = call.dependencies.clock.now()
    with call.dependencies.database.writer() as connection:
        network = None if wanted.emn is None else emn.find(connection, wanted.emn)
        pool = address_pool.create(
            connection,
            name=wanted.name,
            network=wanted.network,
            emn_id=None if network is None else network.id,
            order=wanted.order,
            ranges=wanted.ranges,
            parts_of=() if network is None else emn.surrounding(connection, network),
            now=now,
        )
        if network is not None:
            emn.take_networks(connection, network)
        _reserve(connection, pool, wanted.addresses, before={}, now=now)
        answer = _view(call, connection, pool)
    call.dependencies.hurry("own_address")
    return answer


def patch(call: Call) -> Any:
    """PATCH /v1/addrpools/{pool}"""
    call.arguments()
    body = call.json()
    now = call.dependencies.clock.now()
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        pool = address_pool.find(connection, call.name)
        check_match(call, pool, name=f"Address pool {pool.name}")
        former = emn.of_host(connection, pool.emn_id)
        before = _reserved(connection, pool)
        wanted = parse_pool_change(
            body,
            pool,
            emn=None if former is None else former.name,
            addresses={role: kept.address for role, kept in before.items()},
        )
        later = None if wanted.emn is None else emn.find(connection, wanted.emn)
        values = _values(pool, wanted)
        if _MOVE & set(values):
            address_pool.refuse_move(connection, pool, wanted.network)
        kept = {role: one.address for role, one in before.items()}
        if values or kept != wanted.addresses:
            pool = address_pool.change(connection, pool, now=now, **values)
            _reserve(connection, pool, wanted.addresses, before=before, now=now)
        if pool.emn_id != (None if later is None else later.id):
            pool = join(connection, pool, later, now=now)
        elif former is not None:
            emn.take_networks(connection, former)
        answer = _view(call, connection, pool)
    call.dependencies.hurry("own_address")
    return answer


def remove(call: Call) -> None:
    """DELETE /v1/addrpools/{pool}"""
    call.arguments()
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        pool = address_pool.find(connection, call.name)
        check_match(call, pool, name=f"Address pool {pool.name}")
        network = emn.of_host(connection, pool.emn_id)
        if network is not None:
            _refuse_in_use(connection, pool, network)
        address_pool.remove(connection, pool)
        if network is not None:
            emn.take_networks(connection, network)


def unowned(connection: Connection, name: str) -> AddressPool:
    """Return the pool of that name, number or uuid, which is of no network.

    :raises AddressPoolTaken: it is of one.
    """
    pool = address_pool.find(connection, name)
    owner = emn.of_host(connection, pool.emn_id)
    if owner is not None:
        raise AddressPoolTaken(name=pool.name, holder=f"EMN {owner.name}")
    return pool


def join(
    connection: Connection, pool: AddressPool, network: Emn | None, *, now: datetime
) -> AddressPool:
    """Have the pool be of `network`, or of none; return it as it is now.

    :raises AddressPoolInUse: hosts have addresses in it, or it is its EMN's only one.
    :raises AddressPoolTaken: the network has a pool of that family.
    """
    former = emn.of_host(connection, pool.emn_id)
    if former is not None:
        _refuse_in_use(connection, pool, former)
    emn_id = None if network is None else network.id
    pool = address_pool.change(connection, pool, now=now, emn_id=emn_id)
    for one in (former, network):
        if one is not None:
            emn.take_networks(connection, one)
    return pool


def _values(pool: AddressPool, wanted: WantedPool) -> dict[str, Any]:
    first, last = bounds(wanted.network)
    values = {
        "name": wanted.name,
        "order": wanted.order,
        "ranges": wanted.ranges,
        "network": str(wanted.network.network_address),
        "prefix": wanted.network.prefixlen,
        "family": wanted.network.version,
        "first_key": first,
        "last_key": last,
    }
    return {
        name: value for name, value in values.items() if getattr(pool, name) != value
    }


def _refuse_in_use(connection: Connection, pool: AddressPool, network: Emn) -> None:
    count = address_pool.host_addresses(connection, pool)
    if count:
        raise AddressPoolInUse(
            message=f"Address pool {pool.name} still has {count} addresses of hosts;"
            " delete those hosts first, or give them other addresses."
        )
    if len(address_pool.of_emn(connection, network.id)) == 1:
        raise AddressPoolInUse(
            message=f"Address pool {pool.name} is the only one of EMN {network.name};"
            " delete that instead."
        )


def _reserve(
    connection: Connection,
    pool: AddressPool,
    wanted: Mapping[Role, str],
    *,
    before: Mapping[Role, Address],
    now: datetime,
) -> None:
    for role, kept in before.items():
        if wanted.get(role) != kept.address:
            address.remove(connection, kept)
    for role, given in wanted.items():
        if role not in before or before[role].address != given:
            name = f"the {role.value} of address pool {pool.name}"
            address.add(connection, given, role=role, name=name, now=now)


def _reserved(connection: Connection, pool: AddressPool) -> Mapping[Role, Address]:
    return address.reserved(connection, pool.id).get(pool.id, {})


def _view(call: Call, connection: Connection, pool: AddressPool) -> dict[str, Any]:
    show_tag(call, pool)
    network = emn.of_host(connection, pool.emn_id)
    return address_pool_view(
        pool,
        reserved=_reserved(connection, pool),
        emn=None if network is None else network.name,
    )
