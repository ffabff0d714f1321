# SPDX-License-Identifier: Apache-2.0
"""The hub's interface on this controller: made, addressed and switched on.

Idempotent: what is there already is kept, with its sessions. Where the kernel has no
WireGuard a `wireguard-go` is started, which goes on when this process ends: a conductor
that is restarted must not cut the edge off.
"""

import errno
import ipaddress
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hummingbird.adapters.netlink.uapi import PeerReader
from hummingbird.adapters.netlink.wireguard import KernelWireGuard, WireGuard
from hummingbird.adapters.netlink.wireguard_go import SOCKETS, UserspaceWireGuard
from hummingbird.errors import HubUnavailable

LOG = logging.getLogger(__name__)

_START_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 30.0
"""A wireguard-go that has said nothing for so long hangs: all hosts behind it are cut off,
and a new one has its ten thousand peers again in seconds."""
_PROTOCOL: Final = 142
"""Of our routes, to know them by: none of those that iproute2's rt_protos names."""
_LINK: Final = 253
"""RT_SCOPE_LINK (linux/rtnetlink.h)."""
_UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})
"""What the kernel says to a kind of link that it does not know."""


@dataclass(frozen=True, kw_only=True)
class HubPlan:
    """What the interface should be."""

    interface: str
    address: str
    """The hub's own, inside."""
    overlay: str
    """The network of all addresses inside; this machine routes it to the interface."""
    port: int
    mtu: int


class Hub(Protocol):
    """Where all tunnels end."""

    def open(self, plan: HubPlan) -> WireGuard:
        """Return the interface, made as `plan` says.

        :raises HubUnavailable: it can't be made.
        """

    def narrow(self, plan: HubPlan, ways: Mapping[str, int]) -> list[str]:
        """Have packets to the addresses in `ways` be of so many bytes at most, and those
        to all others as large as the interface takes; return a sentence for each change.

        :raises HubUnavailable: the interface is gone.
        """


class NetlinkHub:
    """The hub in the network namespace that this process is in."""

    def __init__(self, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._reader = PeerReader()
        # Of another process's before us nothing is known: look once.
        self._has_narrow = True

    def open(self, plan: HubPlan) -> WireGuard:
        from pyroute2.iproute import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            with IPRoute() as netlink:
                userspace = UserspaceWireGuard(
                    plan.interface,
                    timeout_seconds=self._answer_seconds,
                    reader=self._reader,
                )
                found = _ensure_link(netlink, userspace)
                _ensure_address(netlink, plan)
                return found
        except (NetlinkError, OSError) as error:
            raise HubUnavailable(message=str(error)) from error

    def narrow(self, plan: HubPlan, ways: Mapping[str, int]) -> list[str]:
        if not ways and not self._has_narrow:
            return []
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            with IPRoute() as netlink:
                said = _narrow(netlink, plan, ways)
        except (NetlinkError, OSError) as error:
            raise HubUnavailable(message=str(error)) from error
        self._has_narrow = bool(ways)
        return said


def _narrow(netlink: Any, plan: HubPlan, ways: Mapping[str, int]) -> list[str]:
    """Routes to single addresses, marked as ours; the overlay's own route has the rest."""
    index = next(iter(netlink.link_lookup(ifname=plan.interface)), None)
    if index is None:
        raise HubUnavailable(message=f"{plan.interface} is gone")
    seen = _narrow_routes(netlink, index)
    said = []
    for address in sorted(seen.keys() - ways.keys()):
        netlink.route(
            "del", dst=_single(address), oif=index, proto=_PROTOCOL, scope=_LINK
        )
        said.append(f"packets to {address} may be as large as the hub's")
    for address, mtu in sorted(ways.items()):
        if seen.get(address) != mtu:
            netlink.route(
                "replace",
                dst=_single(address),
                oif=index,
                proto=_PROTOCOL,
                scope=_LINK,
                prefsrc=plan.address,
                metrics={"mtu": mtu},
            )
            said.append(f"packets to {address} are of {mtu} bytes at most")
    return said


def _narrow_routes(netlink: Any, index: int) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for route in netlink.get_routes(family=family, oif=index, proto=_PROTOCOL):
            metrics = route.get_attr("RTA_METRICS")
            mtu = metrics.get_attr("RTAX_MTU") if metrics else None
            found[str(route.get_attr("RTA_DST"))] = mtu
    return found


def _single(address: str) -> str:
    return f"{address}/{ipaddress.ip_address(address).max_prefixlen}"


def _ensure_link(netlink: Any, userspace: UserspaceWireGuard) -> WireGuard:
    name = userspace.name
    if userspace.is_served:
        # One whose device was deleted answers for a moment more, while it ends.
        if userspace.answers and netlink.link_lookup(ifname=name):
            return userspace
        LOG.warning("The wireguard-go of %s is of no use; it is started again", name)
        userspace.end_program()
    for link in netlink.get_links(ifname=name):
        if _kind(link) == "wireguard":
            return KernelWireGuard(name)
        # A TUN device whose program has died: its sessions are gone anyway.
        userspace.end_program()
        _remove(netlink, link["index"])
    return _make(netlink, userspace)


def _remove(netlink: Any, index: int) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        netlink.link("del", index=index)
    except NetlinkError as error:
        if error.code != errno.ENODEV:  # it went with its program
            raise


def _make(netlink: Any, userspace: UserspaceWireGuard) -> WireGuard:
    name = userspace.name
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        netlink.link("add", ifname=name, kind="wireguard")
    except NetlinkError as error:
        if error.code not in _UNSUPPORTED:
            raise
        _start(userspace)
        return userspace
    return KernelWireGuard(name)


def _start(userspace: UserspaceWireGuard) -> None:
    name = userspace.name
    program = shutil.which("wireguard-go")
    if program is None:
        raise HubUnavailable(
            message="the kernel has no WireGuard and wireguard-go is not installed"
        )
    SOCKETS.mkdir(mode=0o755, parents=True, exist_ok=True)
    LOG.info("The kernel has no WireGuard: starting wireguard-go for %s", name)
    deadline = time.monotonic() + _START_SECONDS
    # The socket of one that is just ending is in the way for a moment.
    while (code := _run(program, name)) and time.monotonic() < deadline:
        time.sleep(0.2)
    while not userspace.is_served:
        if code or time.monotonic() >= deadline:
            raise HubUnavailable(
                message=f"wireguard-go {name} did not start (exit {code})"
            )
        time.sleep(0.02)


def _run(program: str, name: str) -> int:
    """Return the exit code of a wireguard-go, which leaves another one to go on."""
    try:
        return subprocess.run(
            [program, name],
            env={**os.environ, "LOG_LEVEL": "error"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_START_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise HubUnavailable(message=f"wireguard-go {name} did not start") from error


def _ensure_address(netlink: Any, plan: HubPlan) -> None:
    link = next(iter(netlink.get_links(ifname=plan.interface)), None)
    if link is None:
        raise HubUnavailable(message=f"{plan.interface} was deleted just now")
    network = ipaddress.ip_network(plan.overlay)
    known = {
        (found.get_attr("IFA_ADDRESS"), found["prefixlen"])
        for found in netlink.get_addr(index=link["index"])
    }
    if (plan.address, network.prefixlen) not in known:
        netlink.addr(
            "add",
            index=link["index"],
            address=plan.address,
            prefixlen=network.prefixlen,
        )
    if link.get_attr("IFLA_MTU") != plan.mtu or not link["flags"] & 1:
        netlink.link("set", index=link["index"], mtu=plan.mtu, state="up")


def _kind(link: Any) -> str | None:
    info = link.get_attr("IFLA_LINKINFO")
    return info.get_attr("IFLA_INFO_KIND") if info else None
