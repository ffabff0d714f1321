# SPDX-License-Identifier: Apache-2.0
"""A simulated host's mtc-client: the real loop and heart, with time and sockets given.

`SimulatedAgent` runs in the caller's thread, a step at a time, so that one process can
play thousands; `Wire` is a transport in memory that loses, repeats and answers as told.
"""

import random
from collections import deque
from collections.abc import Callable
from uuid import UUID, uuid4

from agents.link.datagram import Transport, UdpTransport
from agents.link.session import Opened, Opener, SessionRefused
from agents.mtc_client.loop import Loop
from hummingbird.clock import Clock


class ImmediateAsking:
    """Asks in the caller's thread."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._result: Opened | SessionRefused | None = None
        self.asked = 0

    def begin(self, *, boot_id: str) -> None:
        """Ask, and have the answer."""
        self.asked += 1
        try:
            self._result = self._opener.open(boot_id=boot_id)
        except SessionRefused as error:
            self._result = error

    def result(self) -> Opened | SessionRefused | None:
        """Return the answer."""
        return self._result


class SimulatedAgent:
    """One host that beats."""

    def __init__(
        self,
        opener: Opener,
        *,
        clock: Clock,
        transport: Transport | None = None,
        boot_id: UUID | None = None,
        seed: int = 1,
    ) -> None:
        self.boot_id = boot_id or uuid4()
        self.transport = transport or UdpTransport()
        self.asking = ImmediateAsking(opener)
        self._clock = clock
        self._booted_at = clock.monotonic()
        self._loop = Loop(
            asking=self.asking,
            transport=self.transport,
            boot_id=self.boot_id,
            uptime_seconds=lambda: int(clock.monotonic() - self._booted_at),
            monotonic=clock.monotonic,
            rng=random.Random(seed),  # noqa: S311
        )

    def step(self) -> None:
        """Do what is due, and wait at most until the next thing is."""
        self._loop.step()

    def run(
        self, *, seconds: float = 60.0, until: Callable[[], object] | None = None
    ) -> None:
        """Step until so much time has gone by, or until it has come true in that time.

        :raises AssertionError: it has not.
        """
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end:
            if until is not None and until():
                return
            self.step()
        assert until is None, f"it did not come true in {seconds:g} s"


class Wire:
    """A transport in memory between an agent and whatever answers.

    `receive` moves the clock to the next answer, or by all that it was to wait.
    """

    def __init__(
        self,
        answer: Callable[[bytes], bytes | None],
        *,
        advance: Callable[[float], None],
    ) -> None:
        self._answer = answer
        self._advance = advance
        self.sent: list[bytes] = []
        self.answers: deque[bytes] = deque()
        self.cut = False
        self.aimed: list[tuple[str, int]] = []
        self.turned: tuple[str, int] | None = None

    def aim(self, address: tuple[str, int]) -> None:
        """Note where datagrams go."""
        self.aimed.append(address)

    def turn(self, address: tuple[str, int]) -> None:
        """Note where the next datagram goes."""
        self.turned = address

    def mtu(self) -> int | None:
        """Nothing is known of it."""
        return None

    def send(self, data: bytes) -> None:
        """Carry it, unless the wire is cut."""
        self.sent.append(data)
        if self.cut:
            return
        answer = self._answer(data)
        if answer is not None:
            self.answers.append(answer)

    def receive(self, *, seconds: float) -> bytes | None:
        """Return the next answer, or let the time go by."""
        if self.answers:
            return self.answers.popleft()
        self._advance(max(seconds, 0.001))
        return None
