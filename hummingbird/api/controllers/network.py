# SPDX-License-Identifier: Apache-2.0
"""/v1/networks: the EMNs, in the words of StarlingX's clients.

One that is added here is of an address pool that is there, and routed; how else hosts are
reached is said at /v1/emns.
"""

from typing import Any

from hummingbird.api.controllers.address_pool import join, unowned
from hummingbird.api.http.call import Call
from hummingbird.api.listing import PAGING, Item, listing
from hummingbird.api.schema.network import parse_new_network
from hummingbird.api.view.network import network_view
from hummingbird.db.repository import address_pool, emn
from hummingbird.domain.emn import MN, Attachment
from hummingbird.errors import NotDoneHere


def list_all(call: Call) -> Any:
    """GET /v1/networks"""
    arguments = call.arguments(*PAGING)
    with call.dependencies.database.snapshot() as connection:
        pools = {
            pool.emn_id: pool
            for pool in sorted(
                address_pool.list_all(connection), key=lambda pool: -pool.family
            )
        }
        items: list[Item] = [
            (one.id, network_view(one, pool=pools.get(one.id)))
            for one in emn.list_all(connection)
        ]
    return listing(call, "networks", items, arguments)


def get(call: Call) -> Any:
    """GET /v1/networks/{network}: by id, uuid or name"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = emn.find(connection, call.name)
        pools = address_pool.of_emn(connection, found.id)
    return network_view(found, pool=pools[0] if pools else None)


def create(call: Call) -> Any:
    """POST /v1/networks: an EMN of a pool that is of none"""
    call.arguments()
    new = parse_new_network(call.json_object())
    now = call.dependencies.clock.now()
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        pool = unowned(connection, new.pool)
        added = emn.create(
            connection,
            name=new.name,
            cidr=pool.cidr,
            attachment=Attachment.ROUTED,
            site=None,
            credential_id=None,
            dynamic=new.dynamic,
            with_pools=False,
            now=now,
        )
        pool = join(connection, pool, added, now=now)
        answer = network_view(added, pool=pool)
    call.dependencies.hurry("own_address")
    return answer


def remove(call: Call) -> None:
    """DELETE /v1/networks/{network}: its pools stay, and are of none"""
    call.arguments()
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        found = emn.find(connection, call.name)
        if found.name == MN:
            raise NotDoneHere(
                message=f"Network {MN} is the management network; it stays."
            )
        emn.remove_alone(connection, found, now=call.dependencies.clock.now())
