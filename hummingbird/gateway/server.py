# SPDX-License-Identifier: Apache-2.0
"""The UDP socket: one thread receives and answers, one looks unknown sessions up.

The first never waits for the database. What the second has not come to yet is bounded,
one datagram a session; more is dropped, and its agents repeat it a second later.

`heard_until` says through when nothing that has arrived waits any more, neither in the
kernel nor for the second thread. When this process got no processor for STALL_SECONDS, what
waits in the kernel is dropped, for nobody knows when it came. An answer leaves from the
address that the question came to (a controller has several, and one may float): behind
NAT no other would come through.
"""

import logging
import select
import socket
import struct
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from hummingbird.clock import Clock
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.listener import Fate, Listener
from hummingbird.gateway.session import Sessions
from hummingbird.wire import heartbeat as wire

LOG = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Room for some ten thousand datagrams while this process gets no CPU."""
LOOK_UPS_MAX: Final = 4096
LOOK_UP_BATCH: Final = 256
LOOK_UP_SECONDS: Final = 5.0
"""A datagram that waited longer is dropped: it was repeated long since."""
STALL_SECONDS: Final = 2.0
FAREWELL_SECONDS: Final = 2.0
FAREWELL_BATCH: Final = 100
"""Datagrams in a row, then a pause: a burst of all would be lost in the first buffer."""
_POLL_SECONDS: Final = 0.5
_GARBAGE_SECONDS: Final = 0.001
"""After nothing but garbage, so that it is read many at a time and not one at each
waking."""

# Linux, ip(7) and ipv6(7); Python's socket module has no name for the first.
_IP_PKTINFO: Final = 8
_PKTINFO: Final = struct.Struct("=I4s4s")
_PKTINFO6: Final = struct.Struct("=16sI")

_Ancillary = list[tuple[int, int, bytes]]


class _Origin(NamedTuple):
    """Where a datagram came from, and how its answer is to leave."""

    ancillary: _Ancillary
    sender: object


@dataclass
class _Waiting:
    """A datagram whose session is looked up."""

    since: float
    data: bytes
    origin: _Origin


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
        self,
        *,
        bind: str,
        port: int,
        listener: Listener,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        """
        :raises OSError: the address can't be bound.
        """
        self._listener = listener
        self._sessions = sessions
        self._clock = clock
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._prepare(family, both=bind == "::")
            self._socket.bind((bind, port))
        except BaseException:
            self._socket.close()
            raise
        self._drained_at = clock.monotonic()
        self._waiting: dict[int, _Waiting] = {}
        """By session, those first that have waited for longest."""
        self._guard = threading.Condition()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._receive, name="beats", daemon=True),
            threading.Thread(target=self._look_up, name="look-ups", daemon=True),
        ]

    def _prepare(self, family: int, *, both: bool) -> None:
        self._socket.setblocking(False)
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

    def heard_until(self) -> float:
        """Return the monotonic time through which all that arrived was handled."""
        with self._guard:
            oldest = next(iter(self._waiting.values()), None)
            return min(
                self._drained_at, self._drained_at if oldest is None else oldest.since
            )

    def say_farewell(self, datagrams: Iterable[tuple[bytes, object]]) -> int:
        """Send these, in FAREWELL_SECONDS at most; return how many were sent."""
        until = self._clock.monotonic() + FAREWELL_SECONDS
        sent = 0
        for data, origin in datagrams:
            if isinstance(origin, _Origin):
                self._send(data, origin)
                sent += 1
                if sent % FAREWELL_BATCH == 0:
                    self._stopping.wait(0.01)
            if self._clock.monotonic() >= until:
                break
        return sent

    def _receive(self) -> None:
        last = self._clock.monotonic()
        is_stale = False
        is_garbage = False
        while not self._stopping.is_set():
            now = self._clock.monotonic()
            if now - last > STALL_SECONDS:
                is_stale = True
                LOG.warning("Nothing was heard for %.1f s: no processor", now - last)
            last = now
            try:
                data, ancillary, _flags, sender = self._socket.recvmsg(
                    wire.MAX_BYTES, 256
                )
            except BlockingIOError:
                self._drained_at, is_stale = now, False
                if is_garbage:
                    self._stopping.wait(_GARBAGE_SECONDS)
                    is_garbage = False
                select.select([self._socket], [], [], _POLL_SECONDS)
                continue
            except OSError as error:
                LOG.warning("Receiving failed: %s", error)
                self._stopping.wait(0.1)
                continue
            if is_stale:
                continue
            try:
                is_garbage = not self._answer(data, _Origin(ancillary, sender))
            except Exception:
                LOG.exception("A datagram could not be handled")

    def _answer(self, data: bytes, origin: _Origin) -> bool:
        """Handle a datagram; return whether it was worth anything."""
        answer = self._listener.answer(data, origin=origin)
        if isinstance(answer, bytes):
            self._send(answer, origin)
        elif answer is Fate.LOOK_UP:
            number = wire.head(data).session
            with self._guard:
                waiting = self._waiting.get(number)
                if waiting is not None:
                    waiting.data, waiting.origin = data, origin
                elif len(self._waiting) < LOOK_UPS_MAX:
                    now = self._clock.monotonic()
                    self._waiting[number] = _Waiting(now, data, origin)
                    self._guard.notify()
        return answer is not Fate.DROPPED

    def _look_up(self) -> None:
        while not self._stopping.is_set():
            some = self._next()
            if not some:
                continue
            try:
                self._sessions.look_up(some)
            except DatabaseUnavailable as error:
                LOG.debug("Sessions could not be looked up: %s", error)
                self._drop_old()
                self._stopping.wait(1.0)
                continue
            except Exception:
                LOG.exception("Sessions could not be looked up")
                self._take_out(some)
                self._stopping.wait(1.0)
                continue
            for number in some:
                with self._guard:
                    waiting = self._waiting[number]
                answer = self._listener.answer(
                    waiting.data, looked_up=True, origin=waiting.origin
                )
                if isinstance(answer, bytes):
                    self._send(answer, waiting.origin)
            self._take_out(some)

    def _next(self) -> list[int]:
        """Return the sessions to be looked up next; they go on waiting."""
        with self._guard:
            if not self._waiting:
                self._guard.wait(_POLL_SECONDS)
            return list(self._waiting)[:LOOK_UP_BATCH]

    def _take_out(self, numbers: Iterable[int]) -> None:
        with self._guard:
            for number in numbers:
                self._waiting.pop(number, None)

    def _drop_old(self) -> None:
        now = self._clock.monotonic()
        with self._guard:
            old = [
                number
                for number, waiting in self._waiting.items()
                if now - waiting.since > LOOK_UP_SECONDS
            ]
        self._take_out(old)

    def _send(self, answer: bytes, origin: _Origin) -> None:
        path = _return_path(origin.ancillary)
        try:
            self._socket.sendmsg([answer], path, 0, origin.sender)  # type: ignore[arg-type]
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
