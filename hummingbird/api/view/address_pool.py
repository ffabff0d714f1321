# SPDX-License-Identifier: Apache-2.0
"""Address pools as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/address_pool.py), and in the end what is ours: the EMN."""

from collections.abc import Mapping
from typing import Any

from hummingbird.api.contract.shape import NUMBER, TEXT, UUID, Thing, many, maybe, words
from hummingbird.domain.address import Address, Role
from hummingbird.domain.address_pool import AddressPool, Order

_ORDER = (Role.CONTROLLER0, Role.CONTROLLER1, Role.FLOATING, Role.GATEWAY)


def address_pool_view(
    pool: AddressPool, *, reserved: Mapping[Role, Address], emn: str | None
) -> dict[str, Any]:
    """Return the view of a pool.

    :param reserved: what it keeps for itself.
    :param emn: name of the network of hosts that it is of.
    """
    addresses: dict[str, Any] = {}
    for role in _ORDER:
        kept = reserved.get(role)
        addresses[f"{role.value}_address"] = None if kept is None else kept.address
        addresses[f"{role.value}_address_id"] = None if kept is None else kept.id
    return {
        "uuid": pool.uuid,
        "name": pool.name,
        "network": pool.network,
        "prefix": pool.prefix,
        "family": pool.family,
        "order": pool.order.value,
        **addresses,
        "ranges": [list(one) for one in pool.ranges],
        "emn": emn,
    }


ADDRESS_POOL = Thing(
    "AddressPool",
    {
        "uuid": UUID,
        "name": TEXT,
        "network": TEXT,
        "prefix": NUMBER,
        "family": {"type": "integer", "enum": [4, 6]},
        "order": words(*Order),
        **{f"{role.value}_address": maybe(TEXT) for role in _ORDER},
        **{f"{role.value}_address_id": maybe(NUMBER) for role in _ORDER},
        "ranges": many(many(TEXT)),
        "emn": maybe(TEXT),
    },
)
