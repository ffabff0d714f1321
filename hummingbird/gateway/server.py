# SPDX-License-Identifier: Apache-2.0
"""The UDP socket: one thread receives and answers, one looks unknown sessions up.

The first never waits for the database. What the second has not come to yet is bounded;
more is dropped, and its agents repeat it a second later. An answer leaves from the
address that the question came to (a controller has several, and one may float): behind
NAT no other would come through.
"""

import logging
import queue
import socket
import struct
import threading
from typing import Final

from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.listener import Fate, Listener
from hummingbird.gateway.session import Sessions
from hummingbird.wire import heartbeat as wire

LOG = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Room for some ten thousand datagrams while this process gets no CPU."""
LOOK_UPS_MAX: Final = 4096
LOOK_UP_BATCH: Final = 256
_POLL_SECONDS: Final = 0.5

# Linux, ip(7) and ipv6(7); Python's socket module has no name for the first.
_IP_PKTINFO: Final = 8
_PKTINFO: Final = struct.Struct("=I4s4s")
_PKTINFO6: Final = struct.Struct("=16sI")

_Ancillary = list[tuple[int, int, bytes]]
_Waiting = tuple[bytes, _Ancillary, object]


def everywhere() -> str:
    """Return the address that means all of this machine's: "::", which IPv4 comes in at
    too, or 0.0.0.0 where the kernel has no IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return "0.0.0.0"  # noqa: S104 -- what was asked for
    return "::"


class DatagramServer:
    """Hears beats, answers them."""

    def __init__(
        self, *, bind: str, port: int, listener: Listener, sessions: Sessions
    ) -> None:
        """
        :raises OSError: the address can't be bound.
        """
        self._listener = listener
        self._sessions = sessions
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._prepare(family, both=bind == "::")
            self._socket.bind((bind, port))
        except BaseException:
            self._socket.close()
            raise
        self._waiting: queue.Queue[_Waiting] = queue.Queue(maxsize=LOOK_UPS_MAX)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._receive, name="beats", daemon=True),
            threading.Thread(target=self._look_up, name="look-ups", daemon=True),
        ]

    def _prepare(self, family: int, *, both: bool) -> None:
        self._socket.settimeout(_POLL_SECONDS)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES
        )
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)

    @property
    def port(self) -> int:
        """The port that is bound."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Listen no longer; return when the threads have ended."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while not self._stopping.is_set():
            try:
                data, ancillary, _flags, sender = self._socket.recvmsg(
                    wire.MAX_BYTES, 256
                )
            except TimeoutError:
                continue
            except OSError as error:
                LOG.warning("Receiving failed: %s", error)
                self._stopping.wait(0.1)
                continue
            try:
                self._answer(data, ancillary, sender)
            except Exception:
                LOG.exception("A datagram could not be handled")

    def _answer(self, data: bytes, ancillary: _Ancillary, sender: object) -> None:
        answer = self._listener.answer(data)
        if isinstance(answer, bytes):
            self._send(answer, ancillary, sender)
        elif answer is Fate.LOOK_UP:
            try:
                self._waiting.put_nowait((data, ancillary, sender))
            except queue.Full:
                return

    def _look_up(self) -> None:
        while not self._stopping.is_set():
            try:
                some = [self._waiting.get(timeout=_POLL_SECONDS)]
            except queue.Empty:
                continue
            while len(some) < LOOK_UP_BATCH and not self._waiting.empty():
                some.append(self._waiting.get_nowait())
            try:
                self._sessions.look_up({wire.head(data).session for data, _, _ in some})
            except DatabaseUnavailable as error:
                LOG.debug("Sessions could not be looked up: %s", error)
                self._stopping.wait(1.0)
                continue
            except Exception:
                LOG.exception("Sessions could not be looked up")
                continue
            for data, ancillary, sender in some:
                answer = self._listener.answer(data, looked_up=True)
                if isinstance(answer, bytes):
                    self._send(answer, ancillary, sender)

    def _send(self, answer: bytes, ancillary: _Ancillary, sender: object) -> None:
        try:
            self._socket.sendmsg([answer], _return_path(ancillary), 0, sender)  # type: ignore[arg-type]
        except OSError as error:
            LOG.debug("An answer could not be sent: %s", error)


def _return_path(ancillary: _Ancillary) -> _Ancillary:
    """Return what makes an answer leave from where its question came to."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            _interface, _local, destination = _PKTINFO.unpack(data[: _PKTINFO.size])
            info = _PKTINFO.pack(0, destination, b"\0" * 4)
            return [(level, kind, info)]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination, interface = _PKTINFO6.unpack(data[: _PKTINFO6.size])
            # Only a link-local address means nothing without its interface.
            scope = interface if destination[:2] == b"\xfe\x80" else 0
            return [(level, kind, _PKTINFO6.pack(destination, scope))]
    return []
