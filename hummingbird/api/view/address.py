# SPDX-License-Identifier: Apache-2.0
"""Addresses as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/address.py). Which interface has one is what its host's agent last
told."""

from collections.abc import Mapping
from typing import Any

from hummingbird.api.contract.shape import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
)
from hummingbird.domain.address import Address
from hummingbird.domain.address_pool import AddressPool
from hummingbird.domain.facts import interface_of, item_uuid

Pools = Mapping[int | None, AddressPool]
"""Pools by id."""

Interfaces = Mapping[int, tuple[str, Any]]
"""Uuid and interfaces of hosts, by id."""


def address_short(
    address: Address, *, pools: Pools, interfaces: Interfaces
) -> dict[str, Any]:
    """Return the view that stands in a list."""
    pool = pools.get(address.pool_id)
    family = int(address.key[0])
    host_uuid, told = interfaces.get(address.host_id or 0, ("", None))
    ifname = interface_of(address.address, told)
    return {
        "uuid": address.uuid,
        "interface_uuid": (
            None if ifname is None else item_uuid(host_uuid, "iinterface", ifname)
        ),
        "ifname": ifname,
        "address": address.address,
        "prefix": pool.prefix if pool is not None else 32 if family == 4 else 128,
        "enable_dad": family == 6,
        "forihostid": address.host_id,
        "pool_uuid": None if pool is None else pool.uuid,
    }


def address_full(
    address: Address, *, pools: Pools, interfaces: Interfaces
) -> dict[str, Any]:
    """Return the view of one address."""
    short = address_short(address, pools=pools, interfaces=interfaces)
    changed = address.updated_at
    return {
        "id": address.id,
        **{name: short[name] for name in ("uuid", "interface_uuid", "ifname")},
        "address": address.address,
        "prefix": short["prefix"],
        "name": address.name,
        **{name: short[name] for name in ("enable_dad", "forihostid", "pool_uuid")},
        "created_at": address.created_at.isoformat(),
        "updated_at": None if changed is None else changed.isoformat(),
    }


ADDRESS_IN_LIST = Thing(
    "AddressInList",
    {
        "uuid": UUID,
        "interface_uuid": maybe(UUID),
        "ifname": maybe(TEXT),
        "address": TEXT,
        "prefix": NUMBER,
        "enable_dad": FLAG,
        "forihostid": maybe(NUMBER),
        "pool_uuid": maybe(UUID),
    },
)
ADDRESS = Thing(
    "Address",
    {
        **ADDRESS_IN_LIST.fields,
        "id": NUMBER,
        "name": TEXT,
        "created_at": TIME,
        "updated_at": maybe(TIME),
    },
)
