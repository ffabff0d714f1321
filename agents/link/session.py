# SPDX-License-Identifier: Apache-2.0
"""Opens a session: this pod's service-account token for a number and a key.

The token is read anew each time, since the kubelet renews its file; so is the CA, and a
host name is looked up again.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents.link.exchange import ExchangeFailed, Gateway, NoWay, post
from hummingbird.wire import session as words
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.session import Session, SessionRequest

TOKEN_FILE = Path("/var/run/secrets/hummingbird/token")


class SessionRefused(Exception):
    """No session; the text says why. A later try may go through."""


class GatewayAway(SessionRefused):
    """No session, for nobody took the connection."""


@dataclass(frozen=True)
class Opened:
    """A session and the address that datagrams of it go to."""

    session: Session
    address: tuple[str, int]


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
        return Opened(session, (answer.address, session.udp_port))


def sentence(body: bytes) -> str:
    """Return what an error's body says, short and printable, for the log."""
    try:
        text = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return "".join(c for c in str(text)[:300] if c.isprintable())
