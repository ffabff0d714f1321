# SPDX-License-Identifier: Apache-2.0
"""The network between hosts and controllers: datagrams, ways, what goes wrong.

Every host has one way to every controller; it is open or not, and while it is open each
datagram may be lost, doubled or late by a seeded choice. A connection to a machine that
can't be reached times out, one to a port where nobody listens is refused at once, and one
to a process that is stopped is taken by the kernel and then silent.
"""

import random
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, Protocol

from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.threads import Event, active, current_process

HERE: Final = 0.0002
"""Seconds that a packet takes, at least."""
BUFFER: Final = 4096
"""Datagrams that a socket keeps for who does not read."""
NETWORK: Final = "network"


@dataclass
class Weather:
    """How the ways are."""

    loss: float = 0.0
    doubled: float = 0.0
    late_seconds: float = 0.0
    """Of some datagrams, at most."""


@dataclass(eq=False)
class Port:
    """One address that this network knows."""

    address: str
    is_up: bool = True
    closed_udp: bool = False
    """A firewall lets no datagram through."""
    weather: Weather = field(default_factory=Weather)


class Listening(Protocol):
    """Who takes HTTP requests at a port."""

    process: Process

    def take(self, environ: dict[str, Any], answer: Callable[[bytes], None]) -> None:
        """Take a request in; `answer` gets the whole HTTP answer, if one comes."""


class Network:
    """Who reaches whom."""

    def __init__(self, scheduler: Scheduler, *, seed: str) -> None:
        self._scheduler = scheduler
        self._random = random.Random(f"{seed}/network")  # noqa: S311
        self.ports: dict[str, Port] = {}
        self.weather = Weather()
        self.cuts: set[frozenset[str]] = set()
        """Pairs of addresses between which nothing goes."""
        self.datagram_sockets: dict[tuple[str, int], DatagramSocket] = {}
        self.listeners: dict[tuple[str, int], Listening] = {}
        self.on_datagram: Callable[[str, int, str, bytes], None] = lambda s, p, t, d: (
            None
        )
        """Told of each datagram that is carried: from where, to where."""
        self._inboxes: dict[tuple[str, int], Callable[[bytes], None]] = {}
        self._next_port = 40_000

    def add(self, address: str) -> Port:
        """Plug in a machine."""
        return self.ports.setdefault(address, Port(address))

    def is_open(self, one: str, other: str) -> bool:
        """Whether packets go between two addresses."""
        ports = self.ports.get(one), self.ports.get(other)
        return (
            all(port is not None and port.is_up for port in ports)
            and frozenset((one, other)) not in self.cuts
        )

    def open_inbox(self, address: str, take: Callable[[bytes], None]) -> int:
        """Let `take` have the datagrams that come to a new port; return the port."""
        self._next_port += 1
        self._inboxes[address, self._next_port] = take
        return self._next_port

    def close_inbox(self, address: str, port: int) -> None:
        """Take no more of them."""
        self._inboxes.pop((address, port), None)

    def send(
        self, source: tuple[str, int], target: tuple[str, int], data: bytes
    ) -> None:
        """Carry a datagram, or lose it."""
        ends = self.ports.get(source[0]), self.ports.get(target[0])
        if any(end is None or end.closed_udp for end in ends):
            return
        if not self.is_open(source[0], target[0]):
            return
        self.on_datagram(source[0], source[1], target[0], data)
        for _ in range(self._copies(ends)):
            delay = HERE * (1.0 + self._random.random() * 20)
            late = max(one.late_seconds for one in self._weathers(ends))
            if late and self._random.random() < 0.2:
                delay += self._random.random() * late
            self._scheduler.at(delay, lambda: self._deliver(source, target, data))

    def _weathers(self, ends: Iterable[Port | None]) -> list[Weather]:
        return [self.weather, *(end.weather for end in ends if end is not None)]

    def _copies(self, ends: Iterable[Port | None]) -> int:
        weathers = self._weathers(ends)
        if self._random.random() < max(one.loss for one in weathers):
            return 0
        return 1 + (self._random.random() < max(one.doubled for one in weathers))

    def _deliver(
        self, source: tuple[str, int], target: tuple[str, int], data: bytes
    ) -> None:
        if not self.is_open(source[0], target[0]):
            return
        inbox = self._inboxes.get(target)
        if inbox is not None:
            inbox(data)
            return
        there = self.datagram_sockets.get(target)
        if there is not None:
            there.take(data, source)

    def connect(
        self, address: str, place: tuple[str, int], *, timeout: float
    ) -> "Listening":
        """Return who listens at `place`, reached from `address`.

        :raises OSError: nobody does, or the way is cut.
        """
        if not self.is_open(address, place[0]):
            active().park(timeout)
            raise TimeoutError("timed out")
        active().park(HERE * 2)
        listener = self.listeners.get(place)
        if listener is None or not listener.process.is_alive:
            raise ConnectionRefusedError("connection refused")
        return listener


def network_of(process: Process) -> Network:
    """Return the network that a process is in."""
    found: Network = process.facts[NETWORK]
    return found


class DatagramSocket:
    """A UDP socket of a simulated process, as hummingbird/gateway/server.py uses it."""

    def __init__(self, *_: object) -> None:
        self._process = current_process()
        self._network = network_of(self._process)
        self._timeout: float | None = None
        self._waiting: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._arrived = Event()
        self._name = ("", 0)

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def setblocking(self, blocking: bool) -> None:
        self._timeout = None if blocking else 0.0

    def setsockopt(self, *_: object) -> None:
        return

    def bind(self, name: tuple[str, int]) -> None:
        self._name = (str(self._process.facts["address"]), name[1])
        self._network.datagram_sockets[self._name] = self
        self._process.on_end.append(self.close)

    def getsockname(self) -> tuple[str, int]:
        return self._name

    def take(self, data: bytes, sender: tuple[str, int]) -> None:
        """Have the kernel keep a datagram until it is read."""
        if len(self._waiting) < BUFFER:
            self._waiting.append((data, sender))
            self._arrived.set()

    def await_news(self, seconds: float | None) -> bool:
        """Wait until there is something to read; return whether there is."""
        if not self._waiting:
            self._arrived.clear()
            self._arrived.wait(seconds)
        return bool(self._waiting)

    def recvmsg(
        self, _size: int, _ancillary: int = 0
    ) -> tuple[bytes, list[Any], int, tuple[str, int]]:
        if not self._waiting and self._timeout == 0.0:
            raise BlockingIOError("nothing is there")
        while not self._waiting:
            if not self.await_news(self._timeout):
                raise TimeoutError("timed out")
        data, sender = self._waiting.popleft()
        return data, [], 0, sender

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        data, _, _, sender = self.recvmsg(size)
        return data, sender

    def sendmsg(
        self, parts: Iterable[bytes], _ancillary: object, _flags: int, target: Any
    ) -> None:
        self.sendto(b"".join(parts), target)

    def sendto(self, data: bytes, target: Any) -> None:
        self._network.send(self._name, (target[0], target[1]), data)

    def close(self) -> None:
        if self._network.datagram_sockets.get(self._name) is self:
            del self._network.datagram_sockets[self._name]


def _select(
    reading: Sequence[DatagramSocket], _w: object, _x: object, timeout: float | None
) -> tuple[list[DatagramSocket], list[object], list[object]]:
    """Stands for select.select, for one socket."""
    (only,) = reading
    return ([only] if only.await_news(timeout) else []), [], []


SELECT: Final = SimpleNamespace(select=_select)
"""`select` for hummingbird/gateway/server.py."""


class SocketModule(SimpleNamespace):
    """A socket module of which some is played."""

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)


DATAGRAMS: Final = SocketModule(socket=DatagramSocket)
"""`socket` for hummingbird/gateway/server.py."""


class Datagrams:
    """An agent's transport: keeps the contract of agents.link.datagram.Transport."""

    def __init__(self) -> None:
        process = current_process()
        self._network = network_of(process)
        self._address = str(process.facts["address"])
        self._target: tuple[str, int] | None = None
        self._port = 0
        self._waiting: deque[bytes] = deque()
        self._arrived = Event()
        process.on_end.append(self.close)

    def aim(self, address: tuple[str, int]) -> None:
        self.close()
        self._waiting.clear()
        self.turn(address)

    def turn(self, address: tuple[str, int]) -> None:
        self._target = address
        if not self._port:
            self._port = self._network.open_inbox(self._address, self._take)

    def _take(self, data: bytes) -> None:
        self._waiting.append(data)
        self._arrived.set()

    def send(self, data: bytes) -> None:
        if self._target is not None:
            self._network.send((self._address, self._port), self._target, data)

    def receive(self, *, seconds: float) -> bytes | None:
        if not self._waiting:
            self._arrived.clear()
            if not self._arrived.wait(seconds):
                return None
        return self._waiting.popleft() if self._waiting else None

    def mtu(self) -> int | None:
        return 1500

    def close(self) -> None:
        if self._port:
            self._network.close_inbox(self._address, self._port)
            self._port = 0


def has_way(address: tuple[str, int]) -> bool:
    """Stands for agents.link.datagram.has_way: the host has a route, if a cable."""
    process = current_process()
    return network_of(process).ports[str(process.facts["address"])].is_up
