# SPDX-License-Identifier: Apache-2.0
"""An address, who has it, and the order of addresses.

Whatever must not be given out twice is one of these: the hosts' addresses, those of their
board management, a pool's gateway and the controllers' own.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

KEY_LENGTH: Final = 33
"""Characters of a key."""


class Role(StrEnum):
    """What an address is for."""

    HOST = "host"
    BOARD = "board"
    """Of a host's board management controller."""
    GATEWAY = "gateway"
    FLOATING = "floating"
    CONTROLLER0 = "controller0"
    CONTROLLER1 = "controller1"
    CONTROLLER = "controller"
    """Found on a controller's own interfaces when it started."""


RESERVED: Final = (Role.FLOATING, Role.CONTROLLER0, Role.CONTROLLER1, Role.GATEWAY)
"""What a pool names by itself, as StarlingX's address pools do."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address that somebody has."""

    id: int
    uuid: str
    address: str
    """In canonical text (RFC 5952)."""
    key: str
    pool_id: int | None
    host_id: int | None
    role: Role
    name: str
    """As sysinv names it: edge-0-mgmt."""
    created_at: datetime
    updated_at: datetime | None


def key(address: str) -> str:
    """Return a text that sorts as addresses do: IPv4 first, then by number."""
    return key_of(ipaddress.ip_address(address))


def key_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return the key of a parsed address."""
    return f"{address.version}{int(address):032x}"


def address_of(key: str) -> str:
    """Return the address that `key` is of."""
    number = int(key[1:], 16)
    if key[0] == "4":
        return str(ipaddress.IPv4Address(number))
    return str(ipaddress.IPv6Address(number))


def further(key: str, steps: int = 1) -> str:
    """Return the key of the address `steps` after the one of `key`."""
    return f"{key[0]}{int(key[1:], 16) + steps:032x}"
