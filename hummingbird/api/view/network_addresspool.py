# SPDX-License-Identifier: Apache-2.0
"""Which pool is of which network, as sysinv shows it (StarlingX config
sysinv/api/controllers/v1/network_addrpool.py). It has no row of its own: a pool is of one
network at most, so its id stands for both, and the uuid is made from theirs."""

from typing import Any
from uuid import UUID as Uuid
from uuid import uuid5

from hummingbird.api.contract.shape import NUMBER, TEXT, UUID, Thing
from hummingbird.domain.address_pool import AddressPool
from hummingbird.domain.emn import Emn


def assignment_uuid(pool: AddressPool, emn: Emn) -> str:
    """Return the uuid of `pool` being of `emn`."""
    return str(uuid5(Uuid(pool.uuid), emn.uuid))


def network_addresspool_view(pool: AddressPool, emn: Emn) -> dict[str, Any]:
    """Return the view of `pool` being of `emn`."""
    return {
        "id": pool.id,
        "uuid": assignment_uuid(pool, emn),
        "address_pool_id": pool.id,
        "address_pool_uuid": pool.uuid,
        "address_pool_name": pool.name,
        "network_id": emn.id,
        "network_uuid": emn.uuid,
        "network_name": emn.name,
    }


NETWORK_ADDRESSPOOL = Thing(
    "NetworkAddresspool",
    {
        "id": NUMBER,
        "uuid": UUID,
        "address_pool_id": NUMBER,
        "address_pool_uuid": UUID,
        "address_pool_name": TEXT,
        "network_id": NUMBER,
        "network_uuid": UUID,
        "network_name": TEXT,
    },
)
