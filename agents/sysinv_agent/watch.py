# SPDX-License-Identifier: Apache-2.0
"""Waits, and wakes when the kernel says that a device or an interface has changed.

Two sockets say so, and neither needs a right: uevents (what udev listens to) for disks,
PCI, memory and CPUs that come and go, rtnetlink for links and addresses. What containers
do to their own ends of the network is not worth a look. A kernel that has neither costs
nothing but time: the next regular look finds the change.
"""

import select
import socket
import struct
from collections.abc import Sequence
from typing import Final, Protocol

from agents.sysinv_agent.port import NAMED_BY_SOFTWARE

_UEVENT: Final = 15
"""NETLINK_KOBJECT_UEVENT (linux/netlink.h)."""
_KERNEL: Final = 1
"""The group that the kernel itself speaks to; udev's is 2."""
_LINKS_AND_ADDRESSES: Final = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR (linux/rtnetlink.h)."""
_WORTH: Final = frozenset({"block", "pci", "net", "cpu", "memory", "node"})
_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_IFLA_IFNAME: Final = 3
_HEADER: Final = struct.Struct("=IHHII")
_LINK_HEADER: Final = 16
_SCOPE: Final = 3
"""Where ifaddrmsg has it; 0: it reaches beyond the link."""
_MOST: Final = 64
"""Messages that are read at once; the rest keeps until the next time."""


class Source(Protocol):
    """Something that may have news."""

    def fileno(self) -> int:
        """Return what to wait for."""

    def read(self) -> bool:
        """Take in what is there; return whether it is worth a look at the host."""


class Watch:
    """Sleeps until something happens."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = list(sources)

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; return whether there was news."""
        ready, _, _ = select.select(self._sources, [], [], max(0.0, seconds))
        # All of them are read, each time: who is full would lose news.
        return any([source.read() for source in ready])


class KernelEvents:
    """One netlink socket and what makes its messages worth a look."""

    def __init__(self, family: int, groups: int) -> None:
        """
        :raises OSError: this kernel has none.
        """
        self._is_worth = uevent_is_worth if family == _UEVENT else link_is_worth
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, groups))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bool:
        news = False
        for _ in range(_MOST):
            try:
                data = self._socket.recv(16 * 1024)
            except BlockingIOError:
                return news
            except OSError:
                return True  # it had more than it could hold, so there was news
            news = self._is_worth(data) or news
        return news


def kernel_events() -> list[Source]:
    """Return what of the kernel's news can be had here."""
    found: list[Source] = []
    for family, groups in (
        (_UEVENT, _KERNEL),
        (socket.NETLINK_ROUTE, _LINKS_AND_ADDRESSES),
    ):
        try:
            found.append(KernelEvents(family, groups))
        except OSError:
            continue
    return found


def uevent_is_worth(data: bytes) -> bool:
    """Whether a uevent is of something that the inventory has."""
    said = dict(
        part.partition(b"=")[::2] for part in data.split(b"\0")[1:] if b"=" in part
    )
    subsystem = said.get(b"SUBSYSTEM", b"").decode("ascii", "replace")
    name = said.get(b"DEVPATH", b"").rpartition(b"/")[2].decode("ascii", "replace")
    if subsystem == "net" and NAMED_BY_SOFTWARE.match(name):
        return False
    if subsystem == "block" and name.startswith(("loop", "ram", "zram")):
        return False
    return subsystem in _WORTH


def link_is_worth(data: bytes) -> bool:
    """Whether a message of rtnetlink is of an interface that is the host's own."""
    while len(data) >= _HEADER.size:
        size, kind, *_ = _HEADER.unpack_from(data)
        if size < _HEADER.size:
            return False
        body = data[_HEADER.size : size]
        if kind in (_RTM_NEWLINK, _RTM_DELLINK):
            if not NAMED_BY_SOFTWARE.match(_name(body[_LINK_HEADER:])):
                return True
        elif body[_SCOPE : _SCOPE + 1] == b"\0":
            # Addresses for the link alone come with each end of a pod's network.
            return True
        data = data[(size + 3) & ~3 :]
    return False


def _name(attributes: bytes) -> str:
    while len(attributes) >= 4:
        size, kind = struct.unpack_from("=HH", attributes)
        if size < 4:
            break
        if kind == _IFLA_IFNAME:
            return attributes[4:size].rstrip(b"\0").decode("ascii", "replace")
        attributes = attributes[(size + 3) & ~3 :]
    return ""
