# SPDX-License-Identifier: Apache-2.0
"""Keeps the heart beating: sends what is due, takes answers in, asks for sessions.

One thread sends and receives. Sessions are asked for in a second one, since a TLS
handshake through a bad link takes longer than a beat may wait; the old session goes on
until the new one is there. Only changes of state are logged.
"""

import logging
import random
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from agents.link.backoff import Backoff
from agents.link.datagram import Transport
from agents.link.heart import Heard, Heart
from agents.link.meter import Meter
from agents.link.session import GatewayAway, Opened, SessionRefused

LOG = logging.getLogger("mtc-client")

LONGEST_WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1
"""How often a session that was asked for is looked for."""


class Asking(Protocol):
    """Asks for a session without making anybody wait."""

    def begin(self, *, boot_id: str) -> None:
        """Ask; only when the former answer was collected."""

    def result(self) -> Opened | SessionRefused | None:
        """Return the session, or why there is none, or None while it is asked for."""


class Loop:
    """One host's heartbeat."""

    def __init__(
        self,
        *,
        asking: Asking,
        transport: Transport,
        boot_id: UUID,
        uptime_seconds: Callable[[], int],
        monotonic: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._asking = asking
        self._transport = transport
        self._boot_id = boot_id
        self._uptime_seconds = uptime_seconds
        self._monotonic = monotonic
        self._rng = rng
        self._heart: Heart | None = None
        self._addresses: tuple[tuple[str, int], ...] = ()
        self._meter = Meter()
        self._backoff = Backoff(rng)
        self._asked = False
        self._ask_at = monotonic()
        self._said: dict[str, str] = {}

    def step(self) -> None:
        """Do what is due, then wait for an answer or for what is due next."""
        now = self._monotonic()
        self._mind_session(now)
        if self._heart is not None and now >= self._heart.due_at():
            datagram = self._heart.transmit(
                now=now,
                uptime_seconds=self._uptime_seconds(),
                mtu=self._transport.mtu(),
            )
            self._transport.turn(self._addresses[self._heart.target])
            self._transport.send(datagram)
        data = self._transport.receive(seconds=self._pause(self._monotonic()))
        now = self._monotonic()
        if self._heart is None:
            return
        was_refused = self._heart.is_refused
        heard = Heard() if data is None else self._heart.hear(data, now=now)
        if heard.ack:
            self._say("beat", "the gateway hears this host")
            self._say_home()
        elif heard.elsewhere:
            self._say("beat", "the gateway can't take this host; trying the others")
        elif self._heart.is_refused and not was_refused:
            self._hurry(now)
        elif self._heart.is_unheard(now=now):
            self._say("beat", "the gateway does not answer; going on trying")

    def _mind_session(self, now: float) -> None:
        if self._asked:
            self._collect(now)
        wanted = self._heart is None or self._heart.session_wanted(now=now)
        if wanted and not self._asked and now >= self._ask_at:
            self._asking.begin(boot_id=str(self._boot_id))
            self._asked = True
            self._collect(now)

    def _collect(self, now: float) -> None:
        result = self._asking.result()
        if result is None:
            return
        self._asked = False
        if isinstance(result, SessionRefused):
            away = isinstance(result, GatewayAway)
            self._ask_at = now + self._backoff.failed(away=away)
            self._say("session", f"no session: {result}")
            return
        self._say("session", "the gateway gives sessions")
        self._backoff.succeeded()
        self._transport.aim(result.address)
        self._addresses = result.addresses
        self._heart = Heart(
            result.session,
            boot_id=self._boot_id,
            now=now,
            rng=self._rng,
            meter=self._meter,
            gateways=len(self._addresses),
        )
        # One new session a period at most, whatever unsealed answers say.
        self._ask_at = now + self._heart.period_seconds * self._rng.uniform(1.0, 1.5)

    def _hurry(self, now: float) -> None:
        """The session has ended while the way was cut, and the first that comes back is a
        no: the way is there, so that nobody has to wait as long as it was away. Spread over
        a period, for all hosts behind that way hear it at once."""
        if self._backoff.is_on and self._heart is not None:
            soon = now + self._heart.period_seconds * self._rng.uniform(0.0, 1.0)
            self._ask_at = min(self._ask_at, soon)

    def _pause(self, now: float) -> float:
        until = now + LONGEST_WAIT_SECONDS
        if self._asked:
            until = now + POLL_SECONDS
        if self._heart is None:
            return max(0.0, min(until, max(self._ask_at, now + POLL_SECONDS)) - now)
        return max(0.0, min(until, self._heart.due_at()) - now)

    def _say_home(self) -> None:
        if len(self._addresses) > 1 and self._heart is not None:
            host, port = self._addresses[self._heart.home]
            self._say("home", f"it is the one at {host} port {port}")

    def _say(self, topic: str, text: str) -> None:
        if self._said.get(topic) != text:
            self._said[topic] = text
            LOG.info("%s", text)
