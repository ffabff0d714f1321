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
        self._socket: socket.socket | None = None
        self._address: tuple[str, int] | None = None

    def aim(self, address: tuple[str, int]) -> None:
        self.close()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._address = address

    def send(self, data: bytes) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(data, self._address)
        except OSError:
            return

    def receive(self, *, seconds: float) -> bytes | None:
        sockets = [] if self._socket is None else [self._socket]
        ready, _, _ = select.select(sockets, [], [], max(0.0, seconds))
        if not ready:
            return None
        try:
            return ready[0].recv(MAX_BYTES)
        except OSError:
            return None

    def mtu(self) -> int | None:
        if self._address is None:
            return None
        is_ipv6 = ":" in self._address[0]
        level, option = (
            (socket.IPPROTO_IPV6, _IPV6_MTU)
            if is_ipv6
            else (socket.IPPROTO_IP, _IP_MTU)
        )
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        # One of its own: one that is connected would tell its errors to who sends.
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(self._address)  # sends nothing
                return asking.getsockopt(level, option)
            except OSError:
                return None

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
