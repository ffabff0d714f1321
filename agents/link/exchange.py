# SPDX-License-Identifier: Apache-2.0
"""One HTTPS POST, and nothing more (RFC 9112, with Connection: close).

http.client with its mail parser costs 5 MB of resident memory, which is a fifth of what
an agent may have; this needs none of it. The server must show a certificate of the given
CA for the name or address that was dialled. What it says is bounded in size, and in time
by `timeout_seconds` for the whole exchange, not only for each read.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEAD_MAX_BYTES: Final = 16 * 1024


class ExchangeFailed(Exception):
    """No whole answer came; the text says why."""


class NoWay(ExchangeFailed):
    """Nobody took the connection, so that the question cost the gateway nothing."""


@dataclass(frozen=True)
class Answer:
    """What the server said, and its address, which a host name may not tell again."""

    status: int
    body: bytes
    address: str


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Where the gateway is and how it proves that."""

    places: tuple[tuple[str, int], ...]
    """Host and port, at least one: tried in this order."""
    ca_file: Path
    timeout_seconds: float = 15.0
    next_seconds: float = 5.0
    """What one is given while there is another one to ask."""

    @classmethod
    def parse(cls, text: str, *, ca_file: Path) -> "Gateway":
        """Return the gateway of "host:port" or "[address]:port", or of several of them
        with commas between.

        :raises ValueError: `text` is none of these.
        """
        places = []
        for one in text.split(","):
            host, _, port = one.strip().rpartition(":")
            if not host or not port.isdecimal() or int(port) not in range(1, 65536):
                raise ValueError(f"{text!r} is not host:port")
            places.append((host.strip("[]"), int(port)))
        return cls(places=tuple(places), ca_file=ca_file)


def post(
    gateway: Gateway,
    path: str,
    *,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    answer_max_bytes: int = 64 * 1024,
) -> Answer:
    """Send `body` as JSON and return the answer, whatever its status.

    Where the gateway has several places, the first one that can answer is asked: one that
    is silent, or says that it can't now (5xx), is passed over; one whose family this host
    has not costs nothing, for the kernel says so at once.

    :raises NoWay: it can't be reached.
    :raises ExchangeFailed: it is somebody else, or it is silent.
    """
    failures, reached = [], False
    for place in gateway.places:
        is_last = place == gateway.places[-1]
        seconds = gateway.timeout_seconds
        if not is_last:
            seconds = min(seconds, gateway.next_seconds)
        request = _request(place, path, body=body, headers=headers or {})
        most = HEAD_MAX_BYTES + answer_max_bytes
        deadline = time.monotonic() + seconds
        try:
            plain = socket.create_connection(place, timeout=seconds)
        except OSError as error:
            failures.append(f"{_shown(place)}: {error}")
            continue
        reached = True
        try:
            with plain, _secured(plain, gateway, place) as link:
                address = str(link.getpeername()[0])
                link.sendall(request)
                status, content = _parse(_read(link, most=most, until=deadline))
        except (OSError, ValueError, ExchangeFailed) as error:
            failures.append(f"{_shown(place)}: {error}")
            continue
        if status >= 500 and not is_last:
            failures.append(f"{_shown(place)}: {status}")
            continue
        return Answer(status, content, address)
    raise (ExchangeFailed if reached else NoWay)("; ".join(failures))


def _secured(
    plain: socket.socket, gateway: Gateway, place: tuple[str, int]
) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(gateway.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(plain, server_hostname=place[0])


def _shown(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _request(
    place: tuple[str, int], path: str, *, body: bytes, headers: Mapping[str, str]
) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {_shown(place)}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def _read(link: ssl.SSLSocket, *, most: int, until: float) -> bytes:
    """Return all that comes before the end of the stream."""
    parts = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        link.settimeout(left)
        part = link.recv(16 * 1024)
        if not part:
            return bytes(parts)
        parts += part
        if len(parts) > most:
            raise ExchangeFailed("the answer is too large")


def _parse(raw: bytes) -> tuple[int, bytes]:
    """Return status and body; a body shorter than announced was cut on its way."""
    head, found, content = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if not found or len(words) < 2 or not lines[0].startswith("HTTP/1."):
        raise ExchangeFailed("the answer is not HTTP")
    if len(words[1]) != 3 or not words[1].isdecimal():
        raise ExchangeFailed("the answer has no status")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() != "content-length":
            continue
        if not value.strip().isdecimal() or int(value) != len(content):
            raise ExchangeFailed("the answer was cut short")
        return int(words[1]), content
    raise ExchangeFailed("the answer does not say how long it is")
