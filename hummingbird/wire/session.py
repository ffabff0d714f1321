# SPDX-License-Identifier: Apache-2.0
"""The words of POST /v1/sessions and of the Authorization header of reports.

An agent shows its service-account token and gets a session: a number, a key, and how
often to beat. Each side checks what it reads and trusts no type or length.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

from hummingbird.wire.heartbeat import KEY_BYTES
from hummingbird.wire.version import WIRE_VERSION

PATH: Final = "/v1/sessions"
REQUEST_MAX_BYTES: Final = 16 * 1024
"""A projected token is about 1 KiB."""
ANSWER_MAX_BYTES: Final = 16 * 1024
AGENTS: Final = ("mtc-client", "sysinv-agent")

_SCHEME: Final = "Session"
_U63: Final = 2**63 - 1


class MessageInvalid(ValueError):
    """A message is not what the protocol says; the text says how."""


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
    document = _document(data)
    request = SessionRequest(
        token=_text(document, "token", most=REQUEST_MAX_BYTES),
        agent=_text(document, "agent", most=32),
        boot_id=_text(document, "boot_id", most=36),
        wire_version=int(_number(document, "wire_version", least=1, most=2**16)),
    )
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
    document = _document(data)
    try:
        key = base64.b64decode(_text(document, "key", most=100), validate=True)
    except binascii.Error as error:
        raise MessageInvalid("key is not base64") from error
    if len(key) != KEY_BYTES:
        raise MessageInvalid(f"key is not {KEY_BYTES} bytes")
    has_hash = document.get("report_hash") is not None
    return Session(
        session=int(_number(document, "session", least=1, most=_U63)),
        key=key,
        period_seconds=_number(document, "period_seconds", least=0.05, most=3600),
        retransmit_seconds=_number(document, "retransmit_seconds", least=0.01, most=60),
        expires_in_seconds=_number(document, "expires_in_seconds", least=1, most=1e6),
        udp_port=int(_number(document, "udp_port", least=1, most=65535)),
        report_hash=_text(document, "report_hash", most=64) if has_hash else None,
        takes_path=document.get("takes_path") is True,
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
    if scheme != _SCHEME or not mac or not digits:
        raise MessageInvalid("Authorization must be: Session <number>:<hex HMAC>")
    return int(number)


def verify(header: str, *, body: bytes, key: bytes) -> bool:
    """Return whether `key` signed `body` in this header."""
    mac = header.rpartition(":")[2]
    return hmac.compare_digest(mac.encode(), _mac(body, key=key).encode())


def _mac(body: bytes, *, key: bytes) -> str:
    # Another direction byte than those of datagrams: no tag of one is good for the other.
    return hmac.digest(key, b"\x03" + body, "sha256").hex()


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MessageInvalid("the body is not JSON") from error
    if not isinstance(document, dict):
        raise MessageInvalid("the body is not a JSON object")
    return document


def _text(document: dict[str, Any], name: str, *, most: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise MessageInvalid(f"{name} must be a text of 1 to {most} characters")
    return value


def _number(document: dict[str, Any], name: str, *, least: float, most: float) -> float:
    value = document.get(name)
    # A bool is an int to Python, not to the protocol; NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageInvalid(f"{name} must be a number")
    if not least <= value <= most:
        raise MessageInvalid(f"{name} must be between {least} and {most}")
    return value
