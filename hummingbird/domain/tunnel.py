# SPDX-License-Identifier: Apache-2.0
"""A tunnel: one host's WireGuard attachment to the hub at the controller.

The host keeps its address in the tunnel for life, whatever addresses its own networks
give it (paper section 2.2.3; figure 5 has the hub at the MN's side). Its key may change:
the hub knows the next one before the host uses it, and the former one until the next one
was heard.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hummingbird.domain.emn import Emn
from hummingbird.domain.endpoint import nearest_endpoints
from hummingbird.domain.vxlan import overhead
from hummingbird.domain.wireguard import STALE_HANDSHAKE_SECONDS, Peer, networks
from hummingbird.errors import HubEndpointInvalid, HubEndpointMissing, OverlayFull

HUB_INDEX: Final = 1
"""The hub has the first address of the overlay."""
CLAIM_HOURS_MAX: Final = 168

_ENDPOINT = re.compile(
    r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})"
)


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    """What this deployment says about its hub and the tunnels to it."""

    endpoints: tuple[str, ...]
    """address:port, name:port or [address]:port each, as hosts reach it; empty: nobody said
    it."""
    overlay: str
    networks: tuple[str, ...]
    """What hosts reach through their tunnels, beside the overlay."""
    keepalive_seconds: int
    """For hosts behind NAT."""
    mtu: int
    """The largest packet inside that any tunnel may have; what fits a host's path is found
    by the host."""
    period_seconds: float
    """Between two looks at the hub."""
    bundle: str = ""
    """A folder with wg and wireguard-go for hosts that lack them; empty: there is none."""


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
    keepalive_seconds: int = 0
    """How often the host sends at least something; 0 where no NAT needs it."""
    controller: str | None = None
    """Whose hub heard it last."""
    created_at: datetime


def check_endpoint(endpoints: tuple[str, ...], *, address: str | None = None) -> str:
    """Return the first of `endpoints` that a host can speak to, fit to be given to it.

    :param address: the host's own, outside the tunnel; None: it is not known.
    :raises HubEndpointMissing, HubEndpointInvalid: there is none, or one is not fit.
    """
    for endpoint in endpoints:
        match = _ENDPOINT.fullmatch(endpoint)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise HubEndpointInvalid(endpoint=endpoint)
    if not endpoints:
        raise HubEndpointMissing()
    return nearest_endpoints(endpoints, address=address)[0]


def host_settings(
    tunnel: Tunnel,
    *,
    hub_key: str,
    options: HubOptions,
    emn: Emn | None,
    outside: str | None,
) -> str:
    """Return what the host's end of the tunnel reads: lines of a POSIX shell.

    :param outside: the host's address without the tunnel, as far as it is known.
    :param emn: the host's network. Where that has VXLAN the management network is in the
        VXLAN, which the tunnel carries, and what is said of packets is said of its. Where
        nobody said how large those may be, the host finds it out.
    :raises HubEndpointMissing, HubEndpointInvalid: nobody said where the hub is.
    """
    has_vxlan = emn is not None and emn.has_vxlan
    beside = () if has_vxlan else options.networks
    mtu = None if emn is None or has_vxlan else emn.mtu
    values = {
        "ADDRESS": tunnel.address,
        "HUB_KEY": hub_key,
        "HUB_ENDPOINT": check_endpoint(options.endpoints, address=outside),
        "NETWORKS": " ".join(networks({options.overlay, *beside})),
        "KEEPALIVE": str(tunnel.keepalive_seconds),
        "MTU": str(mtu or options.mtu),
        "FIND_MTU": "" if mtu else "yes",
        "HUB_ADDRESS": hub_address(options.overlay),
    }
    return "".join(f"{name}={shlex.quote(text)}\n" for name, text in values.items())


def narrow_ways(
    path_mtus: Iterable[tuple[str, int, bool]], *, most: int
) -> dict[str, int]:
    """Return the addresses inside to which the hub must send smaller packets than `most`,
    and how large those may be.

    :param path_mtus: address of a tunnel, what its host sends us at most, and whether it
        does so in a VXLAN: then the tunnel below carries that with what the VXLAN takes.
    """
    fits = {
        address: mtu + (overhead(address) if has_vxlan else 0)
        for address, mtu, has_vxlan in path_mtus
    }
    return {address: mtu for address, mtu in fits.items() if mtu < most}


def rotation_is_due(tunnel: Tunnel, *, now: datetime, days: int) -> bool:
    """Return whether the key of a host that is heard now is to be changed: a claim that
    was used is not to be lived on, and a key of `days` days is old enough; 0: never for
    its age."""
    if tunnel.public_key is None:
        return tunnel.claim_key is not None
    since = tunnel.rotated_at or tunnel.created_at
    return bool(days) and now - since >= timedelta(days=days)


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
        claim = _claim(tunnel, now=now)
        first = tunnel.public_key or claim
        if first is not None:
            wanted[first] = Peer(public_key=first, addresses=inside)
        for later in (tunnel.next_key, claim):
            # It may shake hands, so that it is heard; its packets are taken after that.
            if later is not None and later != first:
                wanted[later] = Peer(public_key=later, addresses=())
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
