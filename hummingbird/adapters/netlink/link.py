# SPDX-License-Identifier: Apache-2.0
"""Which of the controller's own links leads to an address, and whether it is up.

A controller whose own link is down hears nobody, and that is nobody's fault out there.
Asks the kernel anew at each call and keeps nothing. Which link led somewhere before its
routes vanished (they do when a link is set down) is the caller's to remember.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from hummingbird.domain.emn import Network

_IFF_UP = 0x1
_RTNH_F_LINKDOWN = 0x10
_RTM_F_FIB_MATCH = 0x2000
"""linux/if.h, linux/rtnetlink.h."""

_NO_ROUTE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL}
)
"""What the kernel answers for no route, and for routes that say unreachable, prohibit
and blackhole (ip-route(8))."""


@dataclass(frozen=True)
class LinkState:
    """A network interface of the controller; `up`: it has a carrier and is enabled."""

    name: str
    up: bool


class Links(Protocol):
    """The controller's own links."""

    def towards(self, address: str) -> LinkState | None:
        """Return the link that leads to `address`, or None where no route does."""

    def source_address(self, address: str) -> str | None:
        """Return our own address as the host at `address` sees it, or None."""

    def mtu_towards(self, address: str) -> int | None:
        """Return the largest packet that goes to `address` as far as we know, in bytes:
        what was found on the way, else what the route says, else what its link takes.
        None: no route leads there."""


class NetlinkLinks:
    """The links of the network namespace that this process is in."""

    def towards(self, address: str) -> LinkState | None:
        target = ipaddress.ip_address(address)
        with _netlink() as netlink:
            found = _route(netlink, target, flags=_RTM_F_FIB_MATCH)
            dark = _dark_route(netlink, target)
            # Where routes over dead links are ignored (a sysctl), another, wider route
            # answers instead: the dead one is still the one that leads there.
            if dark and (found is None or dark["dst_len"] > found["dst_len"]):
                found = dark
            index = found and _outgoing(found)
            if not index:
                return None
            link = next(iter(netlink.get_links(index)), None)
        return None if link is None else _state(link)

    def source_address(self, address: str) -> str | None:
        with _netlink() as netlink:
            found = _route(netlink, ipaddress.ip_address(address), flags=0)
        return found.get_attr("RTA_PREFSRC") if found else None

    def mtu_towards(self, address: str) -> int | None:
        with _netlink() as netlink:
            found = _route(netlink, ipaddress.ip_address(address), flags=0)
            index = found and _outgoing(found)
            if not index:
                return None
            metrics = found.get_attr("RTA_METRICS")
            known = metrics.get_attr("RTAX_MTU") if metrics else None
            if known:
                return int(known)
            link = next(iter(netlink.get_links(index)), None)
        return None if link is None else int(link.get_attr("IFLA_MTU"))


def own_address_in(links: Links, networks: Iterable[Network]) -> str | None:
    """Return our own address in one of `networks`, or None: we have none there."""
    for net in networks:
        for candidate in (net[1], net[-2 if net.num_addresses > 2 else -1]):
            own = links.source_address(str(candidate))
            if own is not None and ipaddress.ip_address(own) in net:
                return own
    return None


def own_addresses() -> set[str]:
    """Return this machine's addresses by which others may call it."""
    with _netlink() as netlink:
        found = {str(one.get_attr("IFA_ADDRESS")) for one in netlink.get_addr()}
    return {text for text in found if not ipaddress.ip_address(text).is_link_local}


def _netlink() -> Any:
    # A tenth of a second of imports: only who watches links pays.
    from pyroute2.iproute import IPRoute

    return IPRoute()


def _route(netlink: Any, target: Any, *, flags: int) -> Any:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        found = netlink.route(
            "get", dst=str(target), family=_family(target), flags=flags
        )
        return next(iter(found), None)
    except NetlinkError as error:
        if error.code in _NO_ROUTE:
            return None
        raise


def _dark_route(netlink: Any, target: Any) -> Any:
    """Return the narrowest route to `target` whose link has no carrier."""
    dark = [
        route
        for route in netlink.get_routes(family=_family(target))
        if route["flags"] & _RTNH_F_LINKDOWN and _covers(route, target)
    ]
    return max(dark, key=lambda route: int(route["dst_len"]), default=None)


def _covers(route: Any, target: Any) -> bool:
    base = route.get_attr("RTA_DST")
    if base is None:
        return int(route["dst_len"]) == 0
    network = ipaddress.ip_network(f"{base}/{route['dst_len']}", strict=False)
    return bool(target in network)


def _outgoing(route: Any) -> int | None:
    index = route.get_attr("RTA_OIF")
    if index is None:  # several next hops: the first stands for all
        hops = route.get_attr("RTA_MULTIPATH") or ()
        index = hops[0]["oif"] if hops else None
    return None if index is None else int(index)


def _family(target: Any) -> int:
    return int(socket.AF_INET if target.version == 4 else socket.AF_INET6)


def _state(link: Any) -> LinkState:
    # UNKNOWN is what loopback, tunnels and some drivers report all their life
    # (kernel Documentation/networking/operstates.rst).
    working = link.get_attr("IFLA_OPERSTATE") in ("UP", "UNKNOWN")
    carrier = link.get_attr("IFLA_CARRIER")
    enabled = bool(link["flags"] & _IFF_UP)
    return LinkState(
        name=link.get_attr("IFLA_IFNAME"),
        up=enabled and working and carrier != 0,
    )
