# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add or change an address pool (StarlingX config
sysinv/api/controllers/v1/address_pool.py)."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hummingbird.api.schema.text import invalid, text
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

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_CHANGEABLE = ("name", "network", "prefix", "order", "ranges", "emn", *ADDRESSES)
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
    for name in body:
        if name not in _CHANGEABLE:
            raise BadRequest(message=f"Unknown attribute for argument addrpool: {name}")
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
        if name not in _CHANGEABLE:
            raise BadRequest(message=f"Unknown attribute for argument addrpool: {name}")
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
        _required("network", body.get("network")), _prefix(body.get("prefix"))
    )
    ranges = body.get("ranges")
    addresses = {
        role: check_usable(_inside(name, body[name], network), network)
        for name, role in ADDRESSES.items()
        if body.get(name) not in (None, "", "none")
    }
    if len(set(addresses.values())) < len(addresses):
        raise AddressPoolInvalid(
            message="A pool can't keep one address for two purposes."
        )
    return WantedPool(
        name=_name(body.get("name")),
        network=network,
        order=_order(body.get("order")),
        ranges=check_ranges(ranges, network) if ranges else default_ranges(network),
        emn=_emn(body.get("emn")),
        addresses=addresses,
    )


def _emn(value: object) -> str | None:
    name = text("addrpool", "emn", value)
    return None if name in (None, "", "none") else name


def _required(name: str, value: object) -> str:
    given = text("addrpool", name, value)
    if not given:
        raise invalid("addrpool", name, value, should="given: it is mandatory")
    return given


def _prefix(value: object) -> int:
    # `system addrpool-add` sends a text.
    given = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= 128:
        return given
    raise invalid("addrpool", "prefix", value, should="the length of a prefix in bits")


def _inside(name: str, value: object, network: Network) -> str:
    address = check_address(_required(name, value))
    if ipaddress.ip_address(address) in network:
        return address
    raise AddressPoolInvalid(message=f"{name} {address} is not in {network}.")


def _order(value: object) -> Order:
    try:
        return Order(str(value)) if value else Order.RANDOM
    except ValueError as error:
        words = ", ".join(Order)
        raise invalid("addrpool", "order", value, should=f"one of {words}") from error


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value) and not value.isdigit():
        return value
    raise invalid(
        "addrpool",
        "name",
        value,
        should="at most 63 letters, digits, hyphens, underscores and periods, and not a"
        " number",
    )
