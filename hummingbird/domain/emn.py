# SPDX-License-Identifier: Apache-2.0
"""Extended management networks: where hosts are and how they are reached.

The management network (MN) itself is the EMN named "mn", attached directly (paper
sections 2.2.1 to 2.2.3).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hummingbird.errors import EmnInvalid

MN: Final = "mn"
"""Name of the management network."""
MTU_MIN: Final = 576
"""What every IPv4 host takes whole (RFC 791)."""
MTU_MIN_IPV6: Final = 1280
"""RFC 8200, section 5."""
MTU_MAX: Final = 9216
"""The largest "jumbo frame" that is in common use."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Attachment(StrEnum):
    """How the hosts of a network are reached from the controller."""

    DIRECT = "direct"
    """The same L2 subnet as the controller."""
    ROUTED = "routed"
    """Another subnet, by L3 routing that somebody else configured."""
    VXLAN = "vxlan"
    """One L2 subnet with the MN, over whatever is in between; in clear."""
    WIREGUARD = "wireguard"
    """Each host by a tunnel of its own, which it opens: through any NAT that lets UDP
    out."""
    WIREGUARD_VXLAN = "wireguard+vxlan"
    """One L2 subnet with the MN, inside tunnels."""


WITH_VXLAN: Final = frozenset({Attachment.VXLAN, Attachment.WIREGUARD_VXLAN})
TUNNELLED: Final = frozenset({Attachment.WIREGUARD, Attachment.WIREGUARD_VXLAN})
"""The attachments whose hosts have a tunnel each."""


@dataclass(frozen=True, kw_only=True)
class Emn:
    """One network of hosts."""

    id: int
    uuid: str
    name: str
    cidr: str
    """Its addresses: a network, or one of IPv4 and one of IPv6 with a comma between."""
    attachment: Attachment
    site: str
    """Failure domain: hosts that share an uplink. Default: the network's own name."""
    credential_id: int | None
    gateway: str | None
    """What stands between us and it: an EdgeWorker's hostname or a router's address."""
    mtu: int | None
    """Largest packet, in bytes, that its hosts and we may exchange; None: found."""
    vni: int | None = None
    """VXLAN's number of it, where it is attached by VXLAN."""
    lan_interface: str | None = None
    """The gateway's interface to its hosts, where they need nothing of ours."""
    dynamic: bool = False
    """Whether a host that is added without an address and a network gets one here."""
    generation: int = 1
    """Counts every change; a write names the one it read (compare and set)."""
    created_at: datetime

    @property
    def has_vxlan(self) -> bool:
        """Whether it is one L2 subnet with the management network."""
        return self.attachment in WITH_VXLAN

    @property
    def networks(self) -> tuple[Network, ...]:
        """Its addresses: one network or two."""
        return networks_of(self.cidr)


def check_cidr(cidr: str) -> str:
    """Return `cidr` in canonical text: a network, or one of each family, IPv4 first.

    :raises EmnInvalid: it is neither, or has host bits set.
    """
    try:
        found = networks_of(cidr)
    except ValueError as error:
        raise EmnInvalid(
            message=f"{cidr!r} is not a network: {error}.{_meant(cidr)}"
        ) from error
    if len(found) != len({network.version for network in found}):
        raise EmnInvalid(
            message=f"{cidr!r} has more than one network of a family; a network of"
            " hosts has one of IPv4, one of IPv6, or one of each."
        )
    return ",".join(str(net) for net in sorted(found, key=lambda net: net.version))


def _meant(cidr: str) -> str:
    """Return the question whether the networks of these addresses are meant."""
    try:
        found = [
            ipaddress.ip_network(one.strip(), strict=False) for one in cidr.split(",")
        ]
    except ValueError:
        return ""
    return f" Do you mean {','.join(str(network) for network in found)}?"


def check_mtu(mtu: int, *, cidr: str) -> int:
    """Return `mtu`, which the networks of `cidr` can have.

    :raises EmnInvalid: they can't.
    """
    has_ipv6 = any(network.version == 6 for network in networks_of(cidr))
    least = MTU_MIN_IPV6 if has_ipv6 else MTU_MIN
    if not least <= mtu <= MTU_MAX:
        raise EmnInvalid(
            message=f"An MTU here is {least} to {MTU_MAX} bytes, not {mtu}."
        )
    return mtu


def networks_of(cidr: str) -> tuple[Network, ...]:
    """Return the networks of `cidr`: one, or several with commas between.

    :raises ValueError: one is none, or has host bits set.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in cidr.split(","))


def within(networks: Iterable[Emn], cidr: str) -> Emn | None:
    """Return the directly attached network that all of `cidr` is a part of, or None."""
    for network in networks:
        if network.attachment is Attachment.DIRECT and all(
            any(_is_inside(net, mine) for mine in network.networks)
            for net in networks_of(cidr)
        ):
            return network
    return None


def _is_inside(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.broadcast_address in outer


def overlapping(networks: Iterable[Emn], cidr: str) -> Emn | None:
    """Return a network that shares addresses with `cidr`, or None."""
    new = networks_of(cidr)
    for network in networks:
        if any(mine.overlaps(net) for mine in network.networks for net in new):
            return network
    return None
