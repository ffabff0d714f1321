# SPDX-License-Identifier: Apache-2.0
"""What the database knows of the way to one host, as a trace sets out."""

from dataclasses import dataclass

from hummingbird.domain.credential import Credential
from hummingbird.domain.emn import Attachment, Emn
from hummingbird.domain.hearing import Hearing
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.tunnel import Tunnel

ETHERNET = 1500


@dataclass(frozen=True)
class Known:
    """What the database knows of a host."""

    host: Host
    emn: Emn | None
    gateway: Host | None
    tunnel: Tunnel | None
    heartbeat: Heartbeat | None
    hearing: Hearing
    credential: Credential | None
    is_asking: bool = False


def found_by(known: Known) -> int:
    """Return what the host has found to fit its tunnel or VXLAN; Ethernet's where it has
    none, or has not said so."""
    if known.emn is None or known.emn.attachment in (
        Attachment.DIRECT,
        Attachment.ROUTED,
    ):
        return ETHERNET
    return (known.heartbeat and known.heartbeat.path_mtu) or ETHERNET


def outer_address(known: Known, attachment: Attachment) -> str | None:
    """Return the address at which the packets of a host's tunnel leave us; of the outermost
    one that we can ping."""
    match attachment:
        case Attachment.VXLAN:
            return (known.gateway or known.host).underlay
        case Attachment.WIREGUARD_VXLAN:
            return known.tunnel.address if known.tunnel is not None else None
        case Attachment.WIREGUARD:
            return known.host.outside
    return None
