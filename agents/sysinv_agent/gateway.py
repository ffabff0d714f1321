# SPDX-License-Identifier: Apache-2.0
"""The inventory's way to the gateway: reports over TLS, and a knock now and then.

A knock is a beat of this agent's own session. It costs 60 B and learns whether the
gateway wants the inventory anew, say because its database was made anew.
"""

import random
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from agents.link.datagram import Transport
from agents.link.exchange import ExchangeFailed, Gateway, post
from agents.link.heart import Heart
from agents.link.session import Opened, Opener, SessionRefused, sentence
from hummingbird.wire import inventory, session
from hummingbird.wire.heartbeat import Wanted

KNOCKS: Final = 3
KNOCK_SECONDS: Final = 1.0


class NotDelivered(Exception):
    """The gateway did not take a report; the text says why."""


class Post(Protocol):
    """Sends a report's body, signed; raises NotDelivered."""

    def __call__(self, body: bytes, *, authorization: str) -> None: ...


def https_post(gateway: Gateway) -> Post:
    """Return what sends reports to this gateway."""

    def send(body: bytes, *, authorization: str) -> None:
        headers = {
            "Authorization": authorization,
            inventory.HASH_HEADER: inventory.content_hash(body),
        }
        try:
            answer = post(gateway, inventory.PATH, body=body, headers=headers)
        except ExchangeFailed as error:
            raise NotDelivered(str(error)) from error
        if answer.status != 204:
            raise NotDelivered(f"{answer.status} {sentence(answer.body)}")

    return send


class Delivery:
    """One session at a time, opened when it is needed."""

    def __init__(
        self,
        *,
        opener: Opener,
        send: Post,
        transport: Transport,
        boot_id: UUID,
        uptime_seconds: Callable[[], int],
        monotonic: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._opener = opener
        self._send = send
        self._transport = transport
        self._boot_id = boot_id
        self._uptime_seconds = uptime_seconds
        self._monotonic = monotonic
        self._rng = rng
        self._opened: Opened | None = None
        self._heart: Heart | None = None
        self._known: str | None = None

    @property
    def known_hash(self) -> str | None:
        """Hash of the report that the gateway has, as far as it said."""
        return self._known

    def open(self) -> None:
        """Have a session.

        :raises NotDelivered: the gateway gives none.
        """
        if self._opened is not None:
            return
        try:
            opened = self._opener.open(boot_id=str(self._boot_id))
        except SessionRefused as error:
            raise NotDelivered(str(error)) from error
        self._opened = opened
        self._known = opened.session.report_hash
        self._transport.aim(opened.address)
        self._heart = Heart(
            opened.session,
            boot_id=self._boot_id,
            now=self._monotonic(),
            rng=self._rng,
        )

    def deliver(self, body: bytes) -> None:
        """Hand a report over, unless the gateway has just this one.

        :raises NotDelivered: try again later.
        """
        self.open()
        assert self._opened is not None
        content_hash = inventory.content_hash(body)
        if self._known == content_hash:
            return
        given = self._opened.session
        header = session.sign(body, session=given.session, key=given.key)
        try:
            self._send(body, authorization=header)
        except NotDelivered:
            # Whatever was wrong, a new session puts right what a session can.
            self._opened = None
            raise
        self._known = content_hash

    def knock(self) -> bool:
        """Ask whether the inventory is wanted; an unheard knock is a reason for a new
        session, which tells the same.

        :raises NotDelivered: the gateway can't be reached.
        """
        self.open()
        heart = self._heart
        assert heart is not None
        for _ in range(KNOCKS):
            now = self._monotonic()
            self._transport.send(
                heart.transmit(now=now, uptime_seconds=self._uptime_seconds())
            )
            wanted = self._await_ack(heart, until=now + KNOCK_SECONDS)
            if wanted is not None:
                if wanted & Wanted.SESSION:
                    self._opened = None
                if wanted & Wanted.REPORT:
                    self._known = None
                return bool(wanted & Wanted.REPORT)
        self._opened = None
        self.open()
        return self._known is None

    def _await_ack(self, heart: Heart, *, until: float) -> Wanted | None:
        while (left := until - self._monotonic()) > 0:
            data = self._transport.receive(seconds=left)
            if data is not None:
                heard = heart.hear(data, now=self._monotonic())
                if heard.ack:
                    return heard.wanted
        return None
