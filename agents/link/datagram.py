# SPDX-License-Identifier: Apache-2.0
"""The UDP side: sends to the gateway, receives from anybody who can seal.

A network that is away is no error here: what can't be sent is as good as lost on its
way, and gets repeated.
"""

import select
import socket
from typing import Final, Protocol

from hummingbird.wire.heartbeat import MAX_BYTES

_IP_MTU: Final = 14
_IPV6_MTU: Final = 24
"""ip(7), ipv6(7); Python has no names for them."""


class Transport(Protocol):
    """Carries datagrams, or loses them."""

    def aim(self, address: tuple[str, int]) -> None:
        """Send to `address` from now on, from a new socket."""

    def turn(self, address: tuple[str, int]) -> None:
        """Send to `address` from now on; what others answer still arrives."""

    def send(self, data: bytes) -> None:
        """Send once, at best."""

    def receive(self, *, seconds: float) -> bytes | None:
        """Return the next datagram, or None if none comes within `seconds`."""

    def mtu(self) -> int | None:
        """Return the largest packet that goes there in one piece, in bytes, as the kernel
        knows it; None: it does not."""


class UdpTransport:
    """Datagrams over a UDP socket, IPv4 or IPv6."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        """By family: one that serves all gateways of it."""
        self._address: tuple[str, int] | None = None

    def aim(self, address: tuple[str, int]) -> None:
        self.close()
        self.turn(address)

    def turn(self, address: tuple[str, int]) -> None:
        self._address = address

    def send(self, data: bytes) -> None:
        if self._address is None:
            return
        try:
            self._socket(_family(self._address)).sendto(data, self._address)
        except OSError:
            return

    def _socket(self, family: int) -> socket.socket:
        if family not in self._sockets:
            made = socket.socket(family, socket.SOCK_DGRAM)
            made.setblocking(False)
            self._sockets[family] = made
        return self._sockets[family]

    def receive(self, *, seconds: float) -> bytes | None:
        sockets = list(self._sockets.values())
        ready, _, _ = select.select(sockets, [], [], max(0.0, seconds))
        for one in ready:
            try:
                return one.recv(MAX_BYTES)
            except OSError:
                continue
        return None

    def mtu(self) -> int | None:
        if self._address is None:
            return None
        family = _family(self._address)
        level, option = (
            (socket.IPPROTO_IPV6, _IPV6_MTU)
            if family == socket.AF_INET6
            else (socket.IPPROTO_IP, _IP_MTU)
        )
        # One of its own: one that is connected would tell its errors to who sends.
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(self._address)  # sends nothing
                return asking.getsockopt(level, option)
            except OSError:
                return None

    def close(self) -> None:
        """Close the sockets."""
        for one in self._sockets.values():
            one.close()
        self._sockets = {}


def has_way(address: tuple[str, int]) -> bool:
    """Return whether this host knows a way there: of the address's family, with a route.
    Sends nothing."""
    try:
        with socket.socket(_family(address), socket.SOCK_DGRAM) as asking:
            asking.connect(address)
    except OSError:
        return False
    return True


def _family(address: tuple[str, int]) -> int:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
