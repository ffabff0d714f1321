# SPDX-License-Identifier: Apache-2.0
"""EMNs as sysinv shows networks (StarlingX config
sysinv/api/controllers/v1/network.py)."""

from typing import Any

from hummingbird.api.contract.shape import FLAG, NUMBER, TEXT, UUID, Thing, maybe, words
from hummingbird.domain.address_pool import AddressPool
from hummingbird.domain.emn import MN, Emn


def network_type(emn: Emn) -> str:
    """Return the type: sysinv has one of `mgmt`, and any number of `other`."""
    return "mgmt" if emn.name == MN else "other"


def network_view(emn: Emn, *, pool: AddressPool | None) -> dict[str, Any]:
    """Return the view of a network.

    :param pool: the first of its pools.
    """
    return {
        "id": emn.id,
        "uuid": emn.uuid,
        "type": network_type(emn),
        "name": emn.name,
        "dynamic": emn.dynamic,
        "pool_uuid": None if pool is None else pool.uuid,
        "primary_pool_family": None if pool is None else f"IPv{pool.family}",
    }


NETWORK = Thing(
    "Network",
    {
        "id": NUMBER,
        "uuid": UUID,
        "type": words("mgmt", "other"),
        "name": TEXT,
        "dynamic": FLAG,
        "pool_uuid": maybe(UUID),
        "primary_pool_family": maybe(words("IPv4", "IPv6")),
    },
)
