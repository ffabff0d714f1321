# SPDX-License-Identifier: Apache-2.0
"""The inventory's way to the gateway: changes over TLS, and a knock now and then.

A knock is a beat of this agent's own session. It costs 60 B, says that the host is as it
was, and learns whether the gateway wants the inventory anew, say because its database
was made anew.
"""

import random
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from agents.link.datagram import Transport
from agents.link.exchange import ExchangeFailed, Gateway, post
from agents.link.heart import Heart
from agents.link.session import Opened, Opener, SessionRefused, sentence
from agents.sysinv_agent.journal import Journal
from hummingbird.wire import inventory, session
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.heartbeat import Wanted
from hummingbird.wire.inventory import Taken

KNOCKS: Final = 3
KNOCK_SECONDS: Final = 1.0


class NotDelivered(Exception):
    """The gateway did not take a change; the text says why."""


class BaseUnknown(Exception):
    """The gateway lacks what a change builds on."""


class Refused(NotDelivered):
    """This very change will not be taken, however often it is sent."""


class Post(Protocol):
    """Sends a change's body, signed; raises NotDelivered, Refused or BaseUnknown."""

    def __call__(self, body: bytes, *, authorization: str) -> Taken: ...


def https_post(gateway: Gateway) -> Post:
    """Return what sends changes to this gateway."""

    def send(body: bytes, *, authorization: str) -> Taken:
        headers = {"Authorization": authorization}
        try:
            answer = post(gateway, inventory.PATH, body=body, headers=headers)
        except ExchangeFailed as error:
            raise NotDelivered(str(error)) from error
        if answer.status == 409:
            raise BaseUnknown
        if answer.status in (400, 413):
            raise Refused(f"{answer.status} {sentence(answer.body)}")
        if answer.status != 200:
            raise NotDelivered(f"{answer.status} {sentence(answer.body)}")
        try:
            return inventory.decode_taken(answer.body)
        except MessageInvalid as error:
            raise NotDelivered(f"answer not understood: {error}") from error

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
        wall_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self._opener = opener
        self._send = send
        self._transport = transport
        self._boot_id = boot_id
        self._uptime_seconds = uptime_seconds
        self._monotonic = monotonic
        self._wall_ms = wall_ms
        self._rng = rng
        self._opened: Opened | None = None
        self._heart: Heart | None = None
        self._known: str | None = None

    @property
    def known_hash(self) -> str | None:
        """Hash of the inventory that the gateway has, as far as it said."""
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
            gateways=len(opened.addresses),
        )

    def deliver(self, journal: Journal) -> None:
        """Tell the gateway all that it has not heard, the oldest first.

        :raises NotDelivered: try again later.
        """
        self.open()
        if journal.is_known(self._known):
            return
        while (change := journal.next(now=self._wall_ms())) is not None:
            self.open()
            try:
                taken = self._signed(inventory.encode(change))
            except BaseUnknown:
                if change["kind"] == "full":
                    raise NotDelivered("a full change was refused as a delta") from None
                journal.start_over()
            except Refused:
                # What it is now may be taken, if how it came to be is not.
                journal.say_all()
                raise
            else:
                self._known = taken.hash
                journal.taken(taken)

    def _signed(self, body: bytes) -> Taken:
        assert self._opened is not None
        given = self._opened.session
        header = session.sign(body, session=given.session, key=given.key)
        try:
            return self._send(body, authorization=header)
        except NotDelivered:
            # Whatever was wrong, a new session puts right what a session can.
            self._opened = None
            raise

    def knock(self) -> bool:
        """Ask whether the inventory is wanted; an unheard knock is a reason for a new
        session, which tells the same.

        :raises NotDelivered: the gateway can't be reached.
        """
        self.open()
        heart = self._heart
        assert heart is not None and self._opened is not None
        for _ in range(KNOCKS):
            now = self._monotonic()
            datagram = heart.transmit(now=now, uptime_seconds=self._uptime_seconds())
            self._transport.turn(self._opened.addresses[heart.target])
            self._transport.send(datagram)
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
