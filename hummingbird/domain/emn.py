# SPDX-License-Identifier: Apache-2.0
"""Extended management networks: where hosts are and how they are reached.

The management network (MN) itself is the EMN named "mn", attached directly (paper
sections 2.2.1 and 2.2.2).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hummingbird.errors import EmnInvalid


class Attachment(StrEnum):
    """How the hosts of a network are reached from the controller."""

    DIRECT = "direct"
    """The same L2 subnet as the controller."""
    ROUTED = "routed"
    """Another subnet, by L3 routing that somebody else configured."""


@dataclass(frozen=True, kw_only=True)
class Emn:
    """One network of hosts."""

    id: int
    uuid: str
    name: str
    cidr: str
    attachment: Attachment
    site: str
    """Failure domain: hosts that share an uplink. Default: the network's own name."""
    credential_id: int | None
    created_at: datetime


def check_cidr(cidr: str) -> str:
    """Return `cidr` in canonical text.

    :raises EmnInvalid: it is not a network, or has host bits set.
    """
    try:
        return str(ipaddress.ip_network(cidr.strip()))
    except ValueError as error:
        raise EmnInvalid(message=f"{cidr!r} is not a network: {error}.") from error


def containing(networks: Iterable[Emn], address: str) -> Emn | None:
    """Return the network that `address` is in, the most specific one, or None."""
    ip = ipaddress.ip_address(address)
    best: Emn | None = None
    best_prefix = -1
    for network in networks:
        net = ipaddress.ip_network(network.cidr)
        if ip in net and net.prefixlen > best_prefix:
            best, best_prefix = network, net.prefixlen
    return best


def overlapping(networks: Iterable[Emn], cidr: str) -> Emn | None:
    """Return a network that shares addresses with `cidr`, or None."""
    new = ipaddress.ip_network(cidr)
    for network in networks:
        if ipaddress.ip_network(network.cidr).overlaps(new):
            return network
    return None
