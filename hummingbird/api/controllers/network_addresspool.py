# SPDX-License-Identifier: Apache-2.0
"""/v1/network_addresspools: which pool is of which network, as `system
network-addrpool-assign` says it; `hummingbird addrpool-update --emn` says the same."""

from typing import Any

from hummingbird.api.controllers.address_pool import join, unowned
from hummingbird.api.http.call import Call
from hummingbird.api.listing import PAGING, Item, listing
from hummingbird.api.schema.network_addresspool import parse_assignment
from hummingbird.api.view.network_addresspool import (
    assignment_uuid,
    network_addresspool_view,
)
from hummingbird.db.repository import address_pool, emn
from hummingbird.db.session import Connection
from hummingbird.domain.address_pool import AddressPool
from hummingbird.domain.emn import Emn
from hummingbird.errors import NotFound


def list_all(call: Call) -> Any:
    """GET /v1/network_addresspools"""
    arguments = call.arguments(*PAGING)
    with call.dependencies.database.reader() as connection:
        items: list[Item] = [
            (pool.id, network_addresspool_view(pool, network))
            for pool, network in _all(connection)
        ]
    return listing(call, "network_addresspools", items, arguments)


def get(call: Call) -> Any:
    """GET /v1/network_addresspools/{uuid}"""
    call.arguments()
    with call.dependencies.database.reader() as connection:
        return network_addresspool_view(*_find(connection, call.name))


def create(call: Call) -> Any:
    """POST /v1/network_addresspools: have a pool that is of no network be of one"""
    call.arguments()
    pool_uuid, network_uuid = parse_assignment(call.json_object())
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        pool = unowned(connection, pool_uuid)
        network = emn.find(connection, network_uuid)
        now = call.dependencies.clock.now()
        pool = join(connection, pool, network, now=now)
        answer = network_addresspool_view(pool, network)
    call.dependencies.hurry("own_address")
    return answer


def remove(call: Call) -> None:
    """DELETE /v1/network_addresspools/{uuid}: have the pool be of no network"""
    call.arguments()
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        pool, _ = _find(connection, call.name)
        join(connection, pool, None, now=call.dependencies.clock.now())


def _all(connection: Connection) -> list[tuple[AddressPool, Emn]]:
    networks = {one.id: one for one in emn.list_all(connection)}
    return [
        (pool, networks[pool.emn_id])
        for pool in address_pool.list_all(connection)
        if pool.emn_id is not None
    ]


def _find(connection: Connection, uuid: str) -> tuple[AddressPool, Emn]:
    for pool, network in _all(connection):
        if assignment_uuid(pool, network) == uuid:
            return pool, network
    raise NotFound(kind="Assignment of an address pool", name=uuid)
