# SPDX-License-Identifier: Apache-2.0
"""Opens a session: this pod's service-account token for a number and a key.

The token is read anew each time, since the kubelet renews its file; so is the CA, and a
host name is looked up again.
"""

import json
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from agents.link.datagram import has_way
from agents.link.exchange import ExchangeFailed, Gateway, NoWay, post
from hummingbird.wire import session as words
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.session import Session, SessionRequest

TOKEN_FILE = Path("/var/run/secrets/hummingbird/token")
RESOLVE_SECONDS: Final = 3.0
"""What names of further gateways may take: the first beat waits for it."""


class SessionRefused(Exception):
    """No session; the text says why. A later try may go through."""


class GatewayAway(SessionRefused):
    """No session, for nobody took the connection."""


@dataclass(frozen=True)
class Opened:
    """A session and where datagrams of it go to."""

    session: Session
    address: tuple[str, int]
    """Of the gateway that gave it."""
    others: tuple[tuple[str, int], ...] = ()
    """Of those that know it as well."""

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """All of them, in the order in which they are tried."""
        return self.address, *self.others


class Opener(Protocol):
    """Opens sessions."""

    def open(self, *, boot_id: str) -> Opened:
        """Return a new session.

        :raises GatewayAway: nobody is there to ask.
        :raises SessionRefused: there is none now.
        """


@dataclass(frozen=True, kw_only=True)
class TokenOpener:
    """Opens sessions with the projected token of this pod."""

    gateway: Gateway
    agent: str
    token_file: Path = TOKEN_FILE

    def open(self, *, boot_id: str) -> Opened:
        try:
            token = self.token_file.read_text().strip()
        except OSError as error:
            raise SessionRefused(f"no token: {error}") from error
        request = SessionRequest(token=token, agent=self.agent, boot_id=boot_id)
        try:
            answer = post(
                self.gateway,
                words.PATH,
                body=words.encode_request(request),
                answer_max_bytes=words.ANSWER_MAX_BYTES,
            )
        except NoWay as error:
            raise GatewayAway(str(error)) from error
        except ExchangeFailed as error:
            raise SessionRefused(str(error)) from error
        if answer.status != 201:
            raise SessionRefused(f"{answer.status} {sentence(answer.body)}")
        try:
            session = words.decode_session(answer.body)
        except MessageInvalid as error:
            raise SessionRefused(f"answer not understood: {error}") from error
        address = (answer.address, session.udp_port)
        return Opened(session, address, _others(self.gateway, address))


def _others(gateway: Gateway, given: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    """Return where else datagrams may go: UDP has the number of the TCP port there."""
    if len(gateway.places) == 1:
        return ()
    found = dict.fromkeys(_resolved(gateway.places))
    return tuple(one for one in found if one != given and has_way(one))


def _resolved(places: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    """Return the addresses of these places, of one that has no answer in time none."""
    found: dict[tuple[str, int], tuple[str, int]] = {}

    def ask(place: tuple[str, int]) -> None:
        try:
            first = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
        except OSError:
            return
        found[place] = (str(first[4][0]), place[1])

    asking = [
        threading.Thread(target=ask, args=(place,), daemon=True) for place in places
    ]
    until = time.monotonic() + RESOLVE_SECONDS
    for one in asking:
        one.start()
    for one in asking:
        one.join(max(0.0, until - time.monotonic()))
    return [found[place] for place in places if place in found]


def sentence(body: bytes) -> str:
    """Return what an error's body says, short and printable, for the log."""
    try:
        text = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return "".join(c for c in str(text)[:300] if c.isprintable())
