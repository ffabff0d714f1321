# SPDX-License-Identifier: Apache-2.0
"""The controller's bridge and its VXLAN devices, read from the kernel and put right.

Idempotent: what is right already is not touched, so nobody else's frames are delayed. A
bridge of ours carries our mark as its alias; one without it is the operator's, has the
management network's port, and gets nothing from us but VXLAN ports.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from hummingbird.domain.vxlan import (
    EVERYBODY,
    INTERFACE_PREFIX,
    Bridge,
    Segment,
    Station,
    is_same_device,
)
from hummingbird.errors import VxlanUnavailable

_MARK: Final = "hummingbird"
_SETTINGS: Final = {
    # We answer for whatever of the subnet is elsewhere (on the MN, or at another site),
    # and forward; RFC 1027, and RFC 3069 for two that are behind one port.
    "proxy_arp": "1",
    "proxy_arp_pvlan": "1",
    "send_redirects": "0",
}
_STATIC: Final = 0x40 | 0x02
"""NUD_NOARP | NUD_REACHABLE: never ages, and the bridge's table takes it as a station's,
not as its own (linux/neighbour.h, net/bridge/br_fdb.c)."""
_PERMANENT: Final = 0x80
_NOARP: Final = 0x40
_LINK: Final = 253
"""RT_SCOPE_LINK (linux/rtnetlink.h)."""
_CLONED: Final = 0x200
"""RTM_F_CLONED (linux/rtnetlink.h)."""
_SELF, _MASTER, _PROXY = 0x02, 0x04, 0x08


class Bridges(Protocol):
    """The VXLAN side of one controller."""

    def look(self, name: str) -> Bridge | None:
        """Return the bridge `name` with what is ours on it; None: it is not there.

        :raises VxlanUnavailable: the kernel does not say.
        """

    def put(self, wanted: Bridge) -> None:
        """Make it so, changing only what differs; with no segment left, all that is
        ours goes.

        :raises VxlanUnavailable: the kernel refused a part; the rest may be so.
        """


class NetlinkBridges:
    """In the network namespace that this process is in."""

    def look(self, name: str) -> Bridge | None:
        if not _has_any(name):
            return (
                None  # without the cost of netlink's imports, where VXLAN is not used
            )
        with _netlink() as netlink, _told():
            return _look(netlink, name)

    def put(self, wanted: Bridge) -> None:
        with _netlink() as netlink, _told():
            _put(netlink, wanted)


def _has_any(name: str) -> bool:
    names = [found for _, found in socket.if_nameindex()]
    return any(n == name or n.startswith(INTERFACE_PREFIX) for n in names)


def _netlink() -> Any:
    from pyroute2.iproute import IPRoute

    return IPRoute()


@contextmanager
def _told() -> Iterator[None]:
    """Turn the kernel's errors into ours."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except (NetlinkError, OSError) as error:
        raise VxlanUnavailable(message=str(error)) from error


# --- reading ------------------------------------------------------------------------------


def _look(netlink: Any, name: str) -> Bridge | None:
    bridge = next(iter(netlink.get_links(ifname=name)), None)
    segments = {
        segment.vni: segment
        for link in netlink.get_links()
        if (segment := _segment(netlink, link)) is not None
    }
    if bridge is None:
        return Bridge(name=name, segments=segments) if segments else None
    index = bridge["index"]
    is_ours = bridge.get_attr("IFLA_IFALIAS") == _MARK
    if not is_ours:
        return Bridge(name=name, is_ours=False, segments=segments)
    routes = _routes(netlink, index)
    source = next((own for own in routes.values() if own), None)
    uplink = _interface_of(netlink, source)
    return Bridge(
        name=name,
        source=source,
        networks=frozenset(routes),
        neighbours=_neighbours(netlink, index),
        segments=segments,
        answers=frozenset(() if uplink is None else _proxies(netlink, uplink, routes)),
    )


def _segment(netlink: Any, link: Any) -> Segment | None:
    name = link.get_attr("IFLA_IFNAME")
    info = link.get_attr("IFLA_LINKINFO")
    if not name.startswith(INTERFACE_PREFIX) or info is None:
        return None
    if info.get_attr("IFLA_INFO_KIND") != "vxlan":
        return None
    data = info.get_attr("IFLA_INFO_DATA")
    remotes, stations = _table(netlink, link["index"])
    return Segment(
        vni=data.get_attr("IFLA_VXLAN_ID"),
        port=data.get_attr("IFLA_VXLAN_PORT"),
        mtu=link.get_attr("IFLA_MTU"),
        learning=bool(data.get_attr("IFLA_VXLAN_LEARNING")),
        remotes=remotes,
        stations=stations,
    )


def _table(netlink: Any, index: int) -> tuple[frozenset[str], frozenset[Station]]:
    """Return the ends and the stations that were written down, not those learnt."""
    remotes, stations = set(), set()
    for entry in netlink.fdb("dump", ifindex=index):
        remote = entry.get_attr("NDA_DST")
        if remote is None or not entry["state"] & (_NOARP | _PERMANENT):
            continue
        mac = entry.get_attr("NDA_LLADDR")
        if mac == EVERYBODY:
            remotes.add(remote)
        else:
            stations.add(Station(mac=mac, remote=remote))
    return frozenset(remotes), frozenset(stations)


def _routes(netlink: Any, index: int) -> dict[str, str | None]:
    return {
        f"{route.get_attr('RTA_DST')}/{route['dst_len']}": route.get_attr("RTA_PREFSRC")
        for route in netlink.get_routes(family=socket.AF_INET, oif=index, table=254)
        # A dump has what was learnt of single addresses too (a path's MTU, a redirect).
        if route.get_attr("RTA_DST") is not None and not route["flags"] & _CLONED
    }


def _neighbours(netlink: Any, index: int) -> dict[str, str]:
    return {
        found.get_attr("NDA_DST"): found.get_attr("NDA_LLADDR")
        for found in netlink.get_neighbours(family=socket.AF_INET, ifindex=index)
        if found["state"] & _PERMANENT
    }


def _proxies(netlink: Any, uplink: int, networks: Iterable[str]) -> set[str]:
    """Return the addresses of `networks` for which we answer on the link `uplink`."""
    ours = [ipaddress.ip_network(one) for one in networks]
    found = netlink.neigh(
        "dump",
        family=socket.AF_INET,
        flags=_PROXY,
        # What pyroute2 calls a filter: without one it drops the flags of a dump.
        dump_filter=lambda entry: entry["ifindex"] == uplink,
    )
    answered = {str(entry.get_attr("NDA_DST")) for entry in found}
    return {
        one for one in answered if any(ipaddress.ip_address(one) in net for net in ours)
    }


# --- changing -----------------------------------------------------------------------------


def _put(netlink: Any, wanted: Bridge) -> None:
    seen = _look(netlink, wanted.name)
    there = seen.segments if seen is not None else {}
    for vni, segment in there.items():
        if vni not in wanted.segments:
            _remove_link(netlink, segment.interface)
    if not wanted.segments:
        if seen is not None and seen.is_ours:
            uplink = _interface_of(netlink, seen.source)
            for address in seen.answers:
                _remove_proxy(netlink, address, uplink=uplink)
            _remove_link(netlink, wanted.name)
        return
    index = _ensure_bridge(netlink, wanted)
    for vni, segment in wanted.segments.items():
        _put_segment(netlink, segment, there.get(vni), master=index)
    if wanted.is_ours:
        _put_neighbours(netlink, wanted, index=index)
        _put_answers(netlink, wanted, seen)
        _put_routes(netlink, wanted, index=index)


def _index(netlink: Any, name: str) -> int | None:
    return next(iter(netlink.link_lookup(ifname=name)), None)


def _remove_link(netlink: Any, name: str) -> None:
    index = _index(netlink, name)
    if index is not None:
        netlink.link("del", index=index)


def _ensure_bridge(netlink: Any, wanted: Bridge) -> int:
    index = _index(netlink, wanted.name)
    if index is None:
        if not wanted.is_ours:
            raise VxlanUnavailable(message=f"there is no bridge {wanted.name}")
        netlink.link("add", ifname=wanted.name, kind="bridge")
        index = _index(netlink, wanted.name)
        assert index is not None
        (link,) = netlink.get_links(index)
        # An address that is set stays; otherwise it is that of one of the ports, and
        # changes with them, and all neighbours are forgotten.
        mac = link.get_attr("IFLA_ADDRESS")
        netlink.link("set", index=index, ifalias=_MARK, address=mac)
    if wanted.is_ours:
        netlink.link("set", index=index, state="up")
        folder = Path("/proc/sys/net/ipv4/conf") / wanted.name
        for setting, value in _SETTINGS.items():
            (folder / setting).write_text(value)
    return index


def _put_segment(
    netlink: Any, wanted: Segment, seen: Segment | None, *, master: int
) -> None:
    if seen is not None and not is_same_device(wanted, seen):
        _remove_link(netlink, seen.interface)
        seen = None
    if seen is None:
        netlink.link(
            "add",
            ifname=wanted.interface,
            kind="vxlan",
            vxlan_id=wanted.vni,
            vxlan_port=wanted.port,
            vxlan_learning=wanted.learning,
            # Which family its sockets are of; `::` is still any address of ours.
            **({"vxlan_local6": "::"} if wanted.is_ipv6 else {}),
        )
        seen = Segment(
            vni=wanted.vni, port=wanted.port, mtu=0, learning=wanted.learning
        )
    (link,) = netlink.get_links(ifname=wanted.interface)
    index = link["index"]
    is_up = bool(link["flags"] & 1)
    if link.get_attr("IFLA_MASTER") != master:
        netlink.link("set", index=index, master=master)
        netlink.brport("set", index=index, isolated=1)
    if link.get_attr("IFLA_MTU") != wanted.mtu or not is_up:
        netlink.link("set", index=index, mtu=wanted.mtu, state="up")
    _put_table(netlink, wanted, seen, index=index)


def _put_table(netlink: Any, wanted: Segment, seen: Segment, *, index: int) -> None:
    for remote in seen.remotes - wanted.remotes:
        netlink.fdb("del", ifindex=index, lladdr=EVERYBODY, dst=remote)
    for remote in wanted.remotes - seen.remotes:
        netlink.fdb("append", ifindex=index, lladdr=EVERYBODY, dst=remote)
    known = {one.mac for one in seen.stations}
    kept = {one.mac for one in wanted.stations}
    entry = {"ifindex": index, "state": _STATIC}
    for one in seen.stations - wanted.stations:
        netlink.fdb("del", lladdr=one.mac, dst=one.remote, flags=_SELF, **entry)
        if one.mac not in kept:
            _forget(netlink, one.mac, entry)
    for one in wanted.stations - seen.stations:
        netlink.fdb("add", lladdr=one.mac, dst=one.remote, flags=_SELF, **entry)
        if one.mac not in known:
            # The bridge's own table, so that it floods no other segment.
            netlink.fdb("replace", lladdr=one.mac, flags=_MASTER, **entry)


def _forget(netlink: Any, mac: str, entry: dict[str, int]) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        netlink.fdb("del", lladdr=mac, flags=_MASTER, **entry)
    except NetlinkError as error:
        if error.code != errno.ENOENT:  # somebody else's entry had none there
            raise


def _put_neighbours(netlink: Any, wanted: Bridge, *, index: int) -> None:
    seen = _neighbours(netlink, index)
    for address in seen.keys() - wanted.neighbours.keys():
        netlink.neigh("del", dst=address, ifindex=index)
    for address, mac in wanted.neighbours.items():
        if seen.get(address) == mac:
            continue
        netlink.neigh(
            "replace", dst=address, lladdr=mac, ifindex=index, state=_PERMANENT
        )


def _put_answers(netlink: Any, wanted: Bridge, seen: Bridge | None) -> None:
    """Have whoever asks for a host on the MN be told that it is at our place."""
    uplink = _interface_of(netlink, wanted.source)
    if uplink is None:
        return
    former = frozenset() if seen is None else seen.networks
    answered = _proxies(netlink, uplink, wanted.networks | former)
    for address in answered - wanted.answers:
        _remove_proxy(netlink, address, uplink=uplink)
    for address in wanted.answers - answered:
        netlink.neigh("replace", dst=address, ifindex=uplink, flags=_PROXY)


def _remove_proxy(netlink: Any, address: str, *, uplink: int | None) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    if uplink is None:
        return
    try:
        netlink.neigh("del", dst=address, ifindex=uplink, flags=_PROXY)
    except NetlinkError as error:
        if error.code != errno.ENOENT:
            raise


def _interface_of(netlink: Any, address: str | None) -> int | None:
    if address is None:
        return None
    found = next(iter(netlink.get_addr(address=address)), None)
    return None if found is None else int(found["index"])


def _put_routes(netlink: Any, wanted: Bridge, *, index: int) -> None:
    seen = _routes(netlink, index)
    # Whatever protocol it was made by (0), as ours are: on this link (253).
    for network in seen.keys() - wanted.networks:
        netlink.route("del", dst=network, oif=index, scope=_LINK, proto=0)
    for network in wanted.networks:
        if seen.get(network) != wanted.source or network not in seen:
            netlink.route(
                "replace", dst=network, oif=index, prefsrc=wanted.source, scope=_LINK
            )
