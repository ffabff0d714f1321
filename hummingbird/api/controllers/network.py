# SPDX-License-Identifier: Apache-2.0
"""/v1/networks: the EMNs, in the words of StarlingX's clients. They are made and changed
at /v1/emns, which knows how their hosts are reached."""

from typing import Any

from hummingbird.api.call import Call
from hummingbird.api.listing import PAGING, Item, listing
from hummingbird.api.view.network import network_view
from hummingbird.db.repository import address_pool, emn


def list_all(call: Call) -> Any:
    """GET /v1/networks"""
    arguments = call.arguments(*PAGING)
    with call.parts.database.reader() as connection:
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
    with call.parts.database.reader() as connection:
        found = emn.find(connection, call.name)
        pools = address_pool.of_emn(connection, found.id)
    return network_view(found, pool=pools[0] if pools else None)
