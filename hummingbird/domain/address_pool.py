# SPDX-License-Identifier: Apache-2.0
"""A pool of addresses: a network that hosts have addresses in, and the ranges of it that
are given out to those who ask for any.

A chosen address may be anywhere in the network; only what is given out comes from the
ranges. An address is of the smallest pool that contains it, and the pool says its EMN. Two
pools share addresses only where one EMN is by VXLAN a part of another.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from hummingbird.domain.address import key_of
from hummingbird.errors import AddressNotUsable, AddressPoolInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Range = tuple[str, str]
"""First and last address, both included."""

RANGES_MAX: Final = 64


class Order(StrEnum):
    """In which order addresses are given out (sysinv's words)."""

    RANDOM = "random"
    SEQUENTIAL = "sequential"
    """Upwards from the last one that was given out, then from the start again."""


@dataclass(frozen=True, kw_only=True)
class AddressPool:
    """One pool, as stored."""

    id: int
    uuid: str
    name: str
    emn_id: int | None
    """The network of hosts that it is of; None: nobody gets addresses from it."""
    network: str
    prefix: int
    family: int
    """4 or 6."""
    order: Order
    ranges: tuple[Range, ...]
    first_key: str
    last_key: str
    next_key: str | None
    """Where to go on giving out; None: from the start."""
    generation: int
    created_at: datetime
    updated_at: datetime | None

    @property
    def cidr(self) -> str:
        """Its network in canonical text."""
        return f"{self.network}/{self.prefix}"


def parse_network(network: str, prefix: int | str) -> Network:
    """Return the network of a pool.

    :raises AddressPoolInvalid: it is none, or one that hosts can't have addresses in.
    """
    try:
        found = ipaddress.ip_network(f"{network.strip()}/{prefix}")
    except ValueError as error:
        raise AddressPoolInvalid(
            message=f"{network}/{prefix} is not a network: {error}."
        ) from error
    if (
        found.is_loopback
        or found.is_multicast
        or found.is_unspecified
        or found.is_link_local
    ):
        raise AddressPoolInvalid(
            message=f"Hosts can't have addresses in {found}: it is no network that is"
            " reached from outside."
        )
    return found


def bounds(network: Network) -> tuple[str, str]:
    """Return the keys of a network's first and last address."""
    return key_of(network.network_address), key_of(network.broadcast_address)


def default_ranges(network: Network) -> tuple[Range, ...]:
    """Return what is given out when nobody said: as sysinv, all but the ends."""
    first, last = network.network_address, network.broadcast_address
    if network.num_addresses > 2:
        first, last = first + 1, last - 1
    return ((str(first), str(last)),)


def check_ranges(ranges: object, network: Network) -> tuple[Range, ...]:
    """Return `ranges`, a list of [first, last], in order and canonical text.

    :raises AddressPoolInvalid: they are no such list, or not of usable addresses of the
        network, or share addresses.
    """
    if not isinstance(ranges, list) or not 0 < len(ranges) <= RANGES_MAX:
        raise AddressPoolInvalid(
            message=f"The ranges of a pool are a list of 1 to {RANGES_MAX} pairs"
            ' ["first address", "last address"].'
        )
    parsed = sorted((_range(one, network) for one in ranges), key=lambda one: one[0])
    for (_, last), (first, _) in pairwise(parsed):
        if first <= last:
            raise AddressPoolInvalid(
                message=f"Two of the ranges share addresses: {first} to {last}."
            )
    return tuple((str(first), str(last)) for first, last in parsed)


def _range(
    given: object, network: Network
) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    if (
        not isinstance(given, list | tuple)
        or len(given) != 2
        or not all(isinstance(one, str) for one in given)
    ):
        raise AddressPoolInvalid(message=f"{str(given)[:80]} is not [first, last].")
    try:
        first, last = (ipaddress.ip_address(one.strip()) for one in given)
    except ValueError as error:
        raise AddressPoolInvalid(message=f"A range is wrong: {error}.") from error
    for one in (first, last):
        if one not in network:
            raise AddressPoolInvalid(message=f"{one} is not in {network}.")
        check_usable(str(one), network)
    if int(first) > int(last):
        raise AddressPoolInvalid(
            message=f"The range from {first} to {last} ends before it begins."
        )
    # Both are of the network's family, which is all that the type could tell apart.
    return first, last  # type: ignore[return-value]


def check_usable(address: str, network: Network) -> str:
    """Return `address` if a machine in `network` can have it.

    :raises AddressNotUsable: it names the network or all its hosts (RFC 1122, section
        3.2.1.3), or any router there (RFC 4291, section 2.6.1). Networks of two
        addresses (RFC 3021, RFC 6164) and of one have no such.
    """
    ip = ipaddress.ip_address(address)
    if network.num_addresses > 2:
        if ip == network.network_address:
            what = "network address" if ip.version == 4 else "routers' anycast address"
            raise AddressNotUsable(address=address, what=what, network=network)
        if ip.version == 4 and ip == network.broadcast_address:
            raise AddressNotUsable(
                address=address, what="broadcast address", network=network
            )
    return address


def contains(ranges: Sequence[Range], address: str) -> bool:
    """Return whether `address` is in one of the ranges."""
    ip = ipaddress.ip_address(address)
    return any(
        int(ipaddress.ip_address(first)) <= int(ip) <= int(ipaddress.ip_address(last))
        for first, last in ranges
        if ipaddress.ip_address(first).version == ip.version
    )
