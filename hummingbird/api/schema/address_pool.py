# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add or change an address pool (StarlingX config
sysinv/api/controllers/v1/address_pool.py)."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hummingbird.api.contract.operation import Patch
from hummingbird.api.schema.attribute import (
    Attribute,
    Body,
    By,
    Matching,
    Schema,
    Words,
)
from hummingbird.api.schema.text import TEXT_MAX, invalid, text
from hummingbird.domain.address import RESERVED, Role
from hummingbird.domain.address_pool import (
    AddressPool,
    Network,
    Order,
    Range,
    check_ranges,
    check_usable,
    default_ranges,
    parse_network,
)
from hummingbird.domain.host import check_address
from hummingbird.errors import AddressPoolInvalid, BadRequest

ADDRESSES: Final[Mapping[str, Role]] = {
    f"{role.value}_address": role for role in RESERVED
}
"""Attributes that keep an address for the controllers, or the gateway."""

_SHOWN = ("uuid", "family", *(f"{name}_id" for name in ADDRESSES))
"""What an answer has and nobody chooses."""


@dataclass(frozen=True, kw_only=True)
class WantedPool:
    """What a pool is to be, checked as far as it can be without the database."""

    name: str
    network: Network
    order: Order
    ranges: tuple[Range, ...]
    emn: str | None
    """The network of hosts that it is of; None: none."""
    addresses: Mapping[Role, str] = field(default_factory=dict)
    """What it keeps for itself."""


def parse_new_pool(body: Mapping[str, Any]) -> WantedPool:
    """Return the pool that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_POOL.refuse_unknown(body)
    return _pool(body)


def parse_pool_change(
    body: object,
    pool: AddressPool,
    *,
    emn: str | None,
    addresses: Mapping[Role, str],
) -> WantedPool:
    """Return what `body` makes of `pool`: an object of what changes, or a JSON patch as
    sysinv's clients send it.

    :param emn: name of the network that the pool is of.
    :param addresses: what it keeps for itself.
    :raises BadRequest: an attribute is unknown, can't change, or is wrong.
    """
    change = _from_patch(body) if isinstance(body, list) else body
    if not isinstance(change, Mapping):
        raise BadRequest(message="The request's body must be a JSON patch or object.")
    for name in change:
        if name in _SHOWN:
            raise BadRequest(message=f"{name} of an address pool can't be changed.")
    NEW_POOL.refuse_unknown(change)
    before: dict[str, Any] = {
        "name": pool.name,
        "network": pool.network,
        "prefix": pool.prefix,
        "order": pool.order.value,
        "ranges": [list(one) for one in pool.ranges],
        "emn": emn,
        **{
            name: addresses[role]
            for name, role in ADDRESSES.items()
            if role in addresses
        },
    }
    was_default = pool.ranges == default_ranges(
        parse_network(pool.network, pool.prefix)
    )
    if {"network", "prefix"} & set(change) and was_default:
        del before["ranges"]  # they follow the network, as they did
    return _pool({**before, **change})


def _from_patch(operations: list[Any]) -> dict[str, Any]:
    change: dict[str, Any] = {}
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(
            operation.get("path"), str
        ):
            raise BadRequest(message=f"Invalid patch format: {str(operation)[:80]}")
        if operation.get("op") not in ("add", "replace", "remove"):
            raise BadRequest(
                message=f"Operation not supported: {str(operation.get('op'))[:40]}"
            )
        name = operation["path"].removeprefix("/")
        change[name] = None if operation["op"] == "remove" else operation.get("value")
    return change


def _pool(body: Mapping[str, Any]) -> WantedPool:
    network = parse_network(
        NEW_POOL.read(body, "network"), NEW_POOL.read(body, "prefix")
    )
    ranges = NEW_POOL.read(body, "ranges")
    given = {role: NEW_POOL.read(body, name) for name, role in ADDRESSES.items()}
    addresses = {
        role: check_usable(_inside(role, address, network), network)
        for role, address in given.items()
        if address is not None
    }
    if len(set(addresses.values())) < len(addresses):
        raise AddressPoolInvalid(
            message="A pool can't keep one address for two purposes."
        )
    return WantedPool(
        name=NEW_POOL.read(body, "name"),
        network=network,
        order=NEW_POOL.read(body, "order"),
        ranges=check_ranges(ranges, network) if ranges else default_ranges(network),
        emn=NEW_POOL.read(body, "emn"),
        addresses=addresses,
    )


def _emn(name: str, value: object) -> str | None:
    found = text("addrpool", name, value)
    return None if found in (None, "", "none") else found


def _network(name: str, value: object) -> str:
    given = text("addrpool", name, value)
    if not given:
        raise invalid("addrpool", name, value, should="given: it is mandatory")
    return given


def _prefix(name: str, value: object) -> int:
    # `system addrpool-add` sends a text.
    given = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # JSON has one kind of number
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= 128:
        return given
    raise invalid("addrpool", name, value, should="the length of a prefix in bits")


def _address(name: str, value: object) -> str | None:
    found = text("addrpool", name, value)
    return None if found in (None, "", "none") else check_address(found)


def _inside(role: Role, address: str, network: Network) -> str:
    if ipaddress.ip_address(address) in network:
        return address
    name = f"{role.value}_address"
    raise AddressPoolInvalid(message=f"{name} {address} is not in {network}.")


def _order(name: str, value: object) -> Order:
    return Order(_ORDERS.read("addrpool", name, value)) if value else Order.RANDOM


_ORDERS: Final = Words(*Order)
_TEXT_OR_NONE: Final = {"type": ["string", "null"], "maxLength": TEXT_MAX}
_PAIR: Final = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 2,
    "maxItems": 2,
}

NEW_POOL: Final = Body(
    "addrpool",
    {
        "name": Attribute(
            Matching(
                pattern=re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"),
                but=re.compile("[0-9]+"),
                should="at most 63 letters, digits, hyphens, underscores and periods, and"
                " not a number",
            ),
            must=True,
        ),
        "network": Attribute(
            By(_network, {"type": "string", "minLength": 1, "maxLength": TEXT_MAX}),
            "Its address, without the prefix.",
            must=True,
        ),
        "prefix": Attribute(
            By(
                _prefix,
                {
                    "anyOf": [
                        {"type": "integer", "minimum": 1, "maximum": 128},
                        {"type": "string", "pattern": "^[0-9]+$"},
                    ]
                },
            ),
            must=True,
        ),
        "order": Attribute(
            By(_order, {"enum": [*_ORDERS.words, "", None]}),
            "In which addresses are given out; without it, random.",
        ),
        "ranges": Attribute(
            By(
                lambda _name, value: value,
                {"anyOf": [{"type": "array", "items": _PAIR}, {"type": "null"}]},
            ),
            "Pairs of first and last; without it, all that can be used.",
        ),
        "emn": Attribute(By(_emn, _TEXT_OR_NONE), "Network of hosts that it is of."),
        **{
            name: Attribute(By(_address, _TEXT_OR_NONE), "Kept, and given to no host.")
            for name in ADDRESSES
        },
    },
)


class _PoolChange:
    """An object of what changes, or a JSON patch as sysinv's clients send it."""

    schema: Final[Schema] = {
        "anyOf": [
            {
                **{k: v for k, v in NEW_POOL.schema.items() if k != "required"},
                "description": "What changes.",
            },
            Patch(("add", "replace", "remove"), "The same as a JSON patch.").schema,
        ]
    }


POOL_CHANGE: Final = _PoolChange()
