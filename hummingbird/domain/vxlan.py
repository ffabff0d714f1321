# SPDX-License-Identifier: Apache-2.0
"""VXLAN: the management network and an EMN made one L2 subnet (paper, figure 5).

The controller's bridge has one VXLAN device for each such EMN. Where a frame goes is
written down, not learnt: each host's MAC address in the segment is made from its uuid, so
both ends know it without asking. A site with a gateway has one end for all its hosts.

Segments do not reach each other at L2: a broadcast of one site is no other site's, and a
loop through two of them can't be.
"""

import hashlib
import ipaddress
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hummingbird.domain.emn import Emn
from hummingbird.domain.host import Host
from hummingbird.errors import EmnInvalid, GatewayUnknown, UnderlayMissing

UDP_PORT: Final = 4789
"""RFC 7348, section 5."""
VNI_MAX: Final = 2**24 - 1
"""24 bits (RFC 7348, section 5); 0 is not used."""
FIRST_VNI: Final = 1000
"""What is given out by itself begins here: pod networks use low numbers (flannel: 1)."""
INTERFACE_PREFIX: Final = "hbvx"
"""Of our devices at the controller; the VNI follows: at most 12 of Linux's 15 letters."""
EVERYBODY: Final = "00:00:00:00:00:00"
"""The entry of a VXLAN device's table for frames whose destination has none (bridge(8))."""

_OVERHEAD: Final = {4: 50, 6: 70}
"""Outer IP (20 or 40), UDP (8) and VXLAN (8) headers, and the inner Ethernet header (14),
which counts towards the outer packet (RFC 7348, section 4.3)."""
_OTHER_PATHS_MTU: Final = 1500
"""Where no route says anything: Ethernet's (RFC 894)."""


@dataclass(frozen=True, kw_only=True)
class VxlanOptions:
    """What this deployment says about VXLAN."""

    bridge: str
    port: int
    endpoints: tuple[str, ...]
    """Where hosts reach the controllers' ends; empty: as the route says."""
    learning: bool


@dataclass(frozen=True, kw_only=True)
class Station:
    """One MAC address and the end of the tunnel that leads to it."""

    mac: str
    remote: str
    """The underlay address of that end."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One VXLAN device of the controller's, as it should be or is."""

    vni: int
    port: int
    mtu: int
    learning: bool
    """Whether the kernel adds what it sees to the table."""
    remotes: frozenset[str] = frozenset()
    """Every end: broadcasts go to each."""
    stations: frozenset[Station] = frozenset()

    @property
    def is_ipv6(self) -> bool:
        """Which family its ends are of: a device has sockets of one."""
        return any(":" in remote for remote in self.remotes)

    @property
    def interface(self) -> str:
        """The device's name."""
        return f"{INTERFACE_PREFIX}{self.vni}"


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """All that VXLAN is at one controller, as it should be or is.

    Where the operator's own bridge is used (`is_ours` false), it has the management
    network's port already, and only the segments are ours.
    """

    name: str
    is_ours: bool = True
    source: str | None = None
    """Our address in the MN: what we say we are to the hosts."""
    networks: frozenset[str] = frozenset()
    """Parts of the MN that are behind the bridge."""
    neighbours: Mapping[str, str] = field(default_factory=dict)
    """Host address -> MAC, so that nobody has to be asked by a broadcast."""
    segments: Mapping[int, Segment] = field(default_factory=dict)
    """By VNI."""
    answers: frozenset[str] = frozenset()
    """Addresses behind the bridge, those behind a site's gateway too, of which we say on
    the management network that they are at our place."""


def gateway_name(emn: Emn) -> str | None:
    """Return the hostname of the EdgeWorker that carries the site; None: each host has an
    end of its own (an address names somebody else's router, which is not our end)."""
    if emn.gateway is None:
        return None
    try:
        ipaddress.ip_address(emn.gateway)
    except ValueError:
        return emn.gateway
    return None


def has_end(host: Host, emn: Emn) -> bool:
    """Return whether a VXLAN ends at `host` itself."""
    return emn.has_vxlan and gateway_name(emn) in (None, host.hostname)


def check_ready(host: Host, emn: Emn, *, has_tunnel: bool) -> None:
    """Return if a host of `emn`, which is attached by VXLAN, can be brought in.

    :raises UnderlayMissing: nobody said where its end is.
    :raises GatewayUnknown: it is the gateway, and nobody said what is behind it.
    """
    if not has_end(host, emn):
        return
    if not has_tunnel and host.underlay is None:
        raise UnderlayMissing(hostname=host.hostname, emn=emn.name)
    if gateway_name(emn) == host.hostname and emn.lan_interface is None:
        raise GatewayUnknown(emn=emn.name, gateway=host.hostname)


def segment(
    emn: Emn,
    ends: Mapping[str, Host],
    *,
    options: VxlanOptions,
    path_mtus: Mapping[str, int | None],
) -> Segment:
    """Return the controller's device for `emn`.

    :param ends: underlay address -> host whose VXLAN ends there.
    :param path_mtus: see `mtu`.
    """
    assert emn.vni is not None
    return Segment(
        vni=emn.vni,
        port=options.port,
        mtu=emn.mtu or mtu(path_mtus),
        learning=options.learning,
        remotes=frozenset(ends),
        stations=frozenset(
            Station(mac=mac_of(host.uuid), remote=remote)
            for remote, host in ends.items()
        ),
    )


def host_settings(
    host: Host,
    emn: Emn,
    *,
    subnet: Emn,
    local: str,
    remotes: Iterable[str],
    options: VxlanOptions,
    path_mtu: int | None,
    peer: str | None,
) -> str:
    """Return what the host's end reads: lines of a POSIX shell.

    :param subnet: the management network, which the host is in as well.
    :param local: the host's own address below.
    :param remotes: the controllers' addresses below.
    :param path_mtu: what the way between the two carries, as far as this controller's
        routes say; None: they do not. The host finds out what it does carry, unless the
        network says what it has to be.
    :param peer: this controller's address inside; None: nobody answers there.
    """
    assert host.mgmt_ip is not None and emn.vni is not None
    own = ipaddress.ip_address(host.mgmt_ip)
    prefix = next(net.prefixlen for net in subnet.networks if own in net)
    is_gateway = gateway_name(emn) == host.hostname
    values = {
        "VNI": str(emn.vni),
        "PORT": str(options.port),
        "MTU": str(emn.mtu or mtu({local: path_mtu})),
        "MAC": mac_of(host.uuid),
        "ADDRESS": f"{own}/{prefix}",
        "LOCAL": local,
        "REMOTES": " ".join(sorted(remotes)),
        "LAN": (emn.lan_interface or "") if is_gateway else "",
        "PEER": peer or "",
        "FIND_MTU": "" if emn.mtu else "yes",
    }
    return "".join(f"{name}={shlex.quote(text)}\n" for name, text in values.items())


def overhead(remote: str) -> int:
    """Return what VXLAN takes of an underlay packet towards `remote`, in bytes."""
    return _OVERHEAD[ipaddress.ip_address(remote).version]


def mtu(path_mtus: Mapping[str, int | None]) -> int:
    """Return the largest packet that fits through to every end.

    :param path_mtus: underlay address of each end -> what the route there carries;
        None: no route says.
    """
    return min(
        (
            (_OTHER_PATHS_MTU if path is None else path) - overhead(remote)
            for remote, path in path_mtus.items()
        ),
        default=_OTHER_PATHS_MTU - _OVERHEAD[4],
    )


def mac_of(uuid: str) -> str:
    """Return the MAC address that the host of this uuid has in its segment.

    02: locally administered, one station (IEEE 802, section 8.2).
    """
    digest = hashlib.sha256(f"vxlan {uuid}".encode()).hexdigest()
    return ":".join(["02", *(digest[i : i + 2] for i in range(0, 10, 2))])


def check_vni(vni: int) -> int:
    """Return `vni`.

    :raises EmnInvalid: VXLAN has no such network.
    """
    if not 1 <= vni <= VNI_MAX:
        raise EmnInvalid(message=f"A VNI is a number from 1 to {VNI_MAX}, not {vni}.")
    return vni


def differences(wanted: Bridge, seen: Bridge | None) -> tuple[str, ...]:
    """Return a sentence for each thing that is otherwise than wanted."""
    if seen is None:
        return (f"bridge {wanted.name} made",) if wanted.segments else ()
    said = []
    if wanted.is_ours:
        for network in sorted(wanted.networks ^ seen.networks):
            verb = "routed" if network in wanted.networks else "no longer routed"
            said.append(f"{network} {verb} to {wanted.name}")
        changed = wanted.neighbours.items() ^ seen.neighbours.items()
        said += [
            f"neighbour {address} put right"
            for address in sorted({address for address, _ in changed})
        ]
        said += [
            f"proxy entry of {address} put right"
            for address in sorted(wanted.answers ^ seen.answers)
        ]
        if wanted.source != seen.source and wanted.networks & seen.networks:
            said.append(f"our address towards {wanted.name} is {wanted.source}")
    for vni in sorted({*wanted.segments, *seen.segments}):
        said += _segment_differences(wanted.segments.get(vni), seen.segments.get(vni))
    return tuple(said)


def _segment_differences(wanted: Segment | None, seen: Segment | None) -> list[str]:
    if wanted is None:
        assert seen is not None
        return [f"{seen.interface} removed: no network has it"]
    if seen is None:
        return [f"{wanted.interface} made"]
    said = []
    if not is_same_device(wanted, seen):
        said.append(f"{wanted.interface} made anew")
    elif wanted.mtu != seen.mtu:
        said.append(f"{wanted.interface} has an MTU of {wanted.mtu}")
    for remote in sorted(wanted.remotes ^ seen.remotes):
        verb = "added" if remote in wanted.remotes else "removed"
        said.append(f"{wanted.interface}: end {remote} {verb}")
    for one in sorted(wanted.stations ^ seen.stations, key=lambda s: (s.mac, s.remote)):
        verb = "added" if one in wanted.stations else "removed"
        said.append(f"{wanted.interface}: {one.mac} at {one.remote} {verb}")
    return said


def is_same_device(wanted: Segment, seen: Segment) -> bool:
    """Return whether `seen` can become `wanted` without being made anew: the kernel
    changes neither the UDP port nor the family of a device that is there."""
    return (wanted.port, wanted.is_ipv6, wanted.learning) == (
        seen.port,
        seen.is_ipv6,
        seen.learning,
    )
