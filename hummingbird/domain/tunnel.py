# SPDX-License-Identifier: Apache-2.0
"""A tunnel: one host's WireGuard attachment to the hub at the controller.

The host keeps its address in the tunnel for life, whatever addresses its own networks
give it (paper section 2.2.3; figure 5 has the hub at the MN's side). Its key may change:
the hub knows the next one before the host uses it, and the former one until the next one
was heard.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hummingbird.domain.wireguard import STALE_HANDSHAKE_SECONDS, Peer, networks
from hummingbird.errors import OverlayFull

HUB_INDEX: Final = 1
"""The hub has the first address of the overlay."""
CLAIM_HOURS_MAX: Final = 168


class TunnelState(StrEnum):
    """What is known of a tunnel."""

    NEW = "new"
    """Nobody has a key for it yet."""
    CLAIMABLE = "claimable"
    """A bootstrap script was given out and has not been heard of."""
    CONNECTING = "connecting"
    """The hub has its key; it was never heard."""
    UP = "up"
    DOWN = "down"
    """Its last handshake is too old to carry anything."""


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """One host's tunnel, as stored."""

    id: int
    uuid: str
    host_id: int
    address: str
    """The host's address inside, for life."""
    public_key: str | None
    """Whose packets are taken; made on the host."""
    next_key: str | None
    """Made on the host too; takes over when it is heard."""
    claim_key: str | None
    """The bootstrap script's own, good for the first step in alone."""
    claim_until: datetime | None
    rotated_at: datetime | None
    """Since when `public_key` is in use."""
    endpoint: str | None
    """Where the host was last heard from; its NAT may change it any time."""
    handshake_at: datetime | None
    received_bytes: int
    sent_bytes: int
    created_at: datetime


def state(tunnel: Tunnel, *, now: datetime) -> TunnelState:
    """Return what is known of `tunnel`."""
    if tunnel.handshake_at is not None:
        age = now - tunnel.handshake_at
        fresh = age <= timedelta(seconds=STALE_HANDSHAKE_SECONDS)
        return TunnelState.UP if fresh else TunnelState.DOWN
    if tunnel.public_key is not None:
        return TunnelState.CONNECTING
    return TunnelState.CLAIMABLE if _claim(tunnel, now=now) else TunnelState.NEW


def peers(tunnels: Iterable[Tunnel], *, now: datetime) -> dict[str, Peer]:
    """Return the peers that the hub should have, by public key: nothing else lives."""
    wanted: dict[str, Peer] = {}
    for tunnel in tunnels:
        inside = networks([tunnel.address])
        first = tunnel.public_key or _claim(tunnel, now=now)
        if first is not None:
            wanted[first] = Peer(public_key=first, addresses=inside)
        if tunnel.next_key is not None:
            # It may shake hands, so that it is heard; its packets are taken after that.
            wanted[tunnel.next_key] = Peer(public_key=tunnel.next_key, addresses=())
    return wanted


def _claim(tunnel: Tunnel, *, now: datetime) -> str | None:
    if tunnel.claim_until is None or tunnel.claim_until <= now:
        return None
    return tunnel.claim_key


def hub_address(overlay: str) -> str:
    """Return the hub's address in the overlay network."""
    return str(ipaddress.ip_network(overlay)[HUB_INDEX])


def address(overlay: str, index: int) -> str:
    """Return the address of the host that is the `index`-th (from 1) in the overlay.

    :raises OverlayFull: the network has no such address.
    """
    network = ipaddress.ip_network(overlay)
    last = network.num_addresses - (2 if network.version == 4 else 1)
    if index < 1 or HUB_INDEX + index > last:
        raise OverlayFull(overlay=overlay)
    return str(network[HUB_INDEX + index])
