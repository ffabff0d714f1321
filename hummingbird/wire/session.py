# SPDX-License-Identifier: Apache-2.0
"""The words of POST /v1/sessions and of the Authorization header of reports.

An agent shows its service-account token and gets a session: a number, a key, and how
often to beat. Each side checks what it reads and trusts no type or length.
"""

import base64
import hmac
import json
import re
from dataclasses import dataclass
from typing import Final

from hummingbird.wire import document
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.heartbeat import KEY_BYTES
from hummingbird.wire.version import WIRE_VERSION

PATH: Final = "/v1/sessions"
REQUEST_MAX_BYTES: Final = 16 * 1024
"""A projected token is about 1 KiB."""
ANSWER_MAX_BYTES: Final = 16 * 1024
AGENTS: Final = ("mtc-client", "sysinv-agent")

_SCHEME: Final = "Session"
_U63: Final = document.INT_MOST
_TOKEN: Final = re.compile(r"[!-~]+")
"""What a header may carry; a JSON Web Token has fewer (RFC 7515)."""


@dataclass(frozen=True, kw_only=True)
class SessionRequest:
    """What an agent sends."""

    token: str
    agent: str
    boot_id: str
    wire_version: int = WIRE_VERSION

    def __repr__(self) -> str:
        return f"SessionRequest(agent={self.agent!r}, boot_id={self.boot_id!r})"


@dataclass(frozen=True, kw_only=True)
class Session:
    """What it gets."""

    session: int
    key: bytes
    period_seconds: float
    retransmit_seconds: float
    expires_in_seconds: float
    udp_port: int
    report_hash: str | None = None
    """Hash of the inventory report that the gateway has of this host."""
    takes_path: bool = False
    """Whether a beat may say what its agent has measured of its path; a gateway of before
    drops such a beat."""

    def __repr__(self) -> str:
        return f"Session(session={self.session}, period_seconds={self.period_seconds})"


def encode_request(request: SessionRequest) -> bytes:
    """Return the request as JSON."""
    return json.dumps(vars(request)).encode()


def decode_request(data: bytes) -> SessionRequest:
    """Return the request in `data`.

    :raises MessageInvalid: it is none.
    """
    said = document.read(data, text_most=REQUEST_MAX_BYTES)
    request = SessionRequest(
        token=document.text(said, "token", most=REQUEST_MAX_BYTES),
        agent=document.text(said, "agent", most=32),
        boot_id=document.text(said, "boot_id", most=36),
        wire_version=document.whole(said, "wire_version", least=1, most=2**16),
    )
    if not _TOKEN.fullmatch(request.token):
        raise MessageInvalid("token has other characters than a token's")
    if request.wire_version != WIRE_VERSION:
        raise MessageInvalid(
            f"this gateway speaks version {WIRE_VERSION}, not {request.wire_version}"
        )
    if request.agent not in AGENTS:
        raise MessageInvalid(f"agent must be one of {', '.join(AGENTS)}")
    return request


def encode_session(session: Session) -> bytes:
    """Return the session as JSON; it holds the key."""
    return json.dumps(
        vars(session) | {"key": base64.b64encode(session.key).decode()}
    ).encode()


def decode_session(data: bytes) -> Session:
    """Return the session in `data`.

    :raises MessageInvalid: it is none.
    """
    said = document.read(data)
    try:
        key = base64.b64decode(document.text(said, "key", most=100), validate=True)
    except ValueError as error:
        raise MessageInvalid("key is not base64") from error
    if len(key) != KEY_BYTES:
        raise MessageInvalid(f"key is not {KEY_BYTES} bytes")

    def seconds(name: str, *, least: float, most: float) -> float:
        return document.number(said, name, least=least, most=most)

    has_hash = said.get("report_hash") is not None
    return Session(
        session=document.whole(said, "session", least=1, most=_U63),
        key=key,
        period_seconds=seconds("period_seconds", least=0.05, most=3600),
        retransmit_seconds=seconds("retransmit_seconds", least=0.01, most=60),
        expires_in_seconds=seconds("expires_in_seconds", least=1, most=1e6),
        udp_port=document.whole(said, "udp_port", least=1, most=65535),
        report_hash=document.text(said, "report_hash", most=64) if has_hash else None,
        takes_path=said.get("takes_path") is True,
    )


def sign(body: bytes, *, session: int, key: bytes) -> str:
    """Return the Authorization header for a report's body."""
    return f"{_SCHEME} {session}:{_mac(body, key=key)}"


def signer(header: str) -> int:
    """Return the number of the session that the header says; `verify` proves it.

    :raises MessageInvalid: it is no such header.
    """
    scheme, _, rest = header.partition(" ")
    number, _, mac = rest.partition(":")
    digits = number.isascii() and number.isdecimal() and len(number) <= 19
    if scheme != _SCHEME or not mac or not digits or not 0 < int(number) <= _U63:
        raise MessageInvalid("Authorization must be: Session <number>:<hex HMAC>")
    return int(number)


def verify(header: str, *, body: bytes, key: bytes) -> bool:
    """Return whether `key` signed `body` in this header."""
    mac = header.rpartition(":")[2]
    return mac.isascii() and hmac.compare_digest(mac, _mac(body, key=key))


def _mac(body: bytes, *, key: bytes) -> str:
    # Another direction byte than those of datagrams: no tag of one is good for the other.
    return hmac.digest(key, b"\x03" + body, "sha256").hex()
