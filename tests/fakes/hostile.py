# SPDX-License-Identifier: Apache-2.0
"""Servers on the loopback that do what a taken-over peer would: drip, never end, send bombs,
lead elsewhere. Each says what it was asked."""

import json
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock

Answer = Callable[[Any, str], None]
"""Gets the connection, and the question's first line."""

HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
PIECE = b" " * 65536
DRIP_SECONDS = 0.05


class Hostile:
    """One server, until it is closed; it ends whatever it is at."""

    def __init__(
        self,
        answer: Answer,
        *,
        tls: ssl.SSLContext | None = None,
        speaks_first: bool = False,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.asked: list[str] = []
        self.heard = b""
        self.ended = threading.Event()
        self._answer, self._tls, self._first = answer, tls, speaks_first
        self._plugs: list[socket.socket] = []
        self._listener = socket.create_server((address, port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End."""
        self.ended.set()
        self._listener.close()
        for plug in self._plugs:
            plug.close()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                plug, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plug,), daemon=True).start()

    def _serve(self, plug: socket.socket) -> None:
        try:
            if self._tls is not None:
                plug = self._tls.wrap_socket(plug, server_side=True)
            self._plugs.append(plug)
            question = b"" if self._first else _question(plug)
            if not question and not self._first:
                return
            self.heard += question
            line = question.split(b"\r\n", 1)[0].decode(errors="replace")
            self.asked.append(line)
            self._answer(plug, line)
        except (OSError, ValueError):
            pass  # the other side has had enough
        finally:
            plug.close()

    def drip(self, plug: Any) -> None:
        """Send a byte now and then, for ever."""
        while not self.ended.wait(DRIP_SECONDS):
            plug.sendall(b"x")


def _question(plug: socket.socket) -> bytes:
    """Return a whole question: who closes with some of it unread resets the connection."""
    heard = b""
    while more := plug.recv(65536):
        heard += more
        head, has_ended, body = heard.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if has_ended and len(body) >= (int(length[1]) if length else 0):
            break
    return heard


@contextmanager
def hostile(answer: Answer, **options: Any) -> Iterator[Hostile]:
    """Serve until left."""
    server = Hostile(answer, **options)
    try:
        yield server
    finally:
        server.close()


def tls(folder: Path) -> ssl.SSLContext:
    """Return what serves TLS with a certificate that nobody knows."""
    made = ensure_server_certificate(
        folder / "pki", names=("127.0.0.1",), clock=SystemClock()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert_path, made.key_path)
    return context


def say(plug: Any, body: object) -> None:
    """Answer in JSON."""
    raw = json.dumps(body).encode()
    plug.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(raw) + raw)


def drips(plug: Any, line: str) -> None:
    """A body of which a byte comes now and then."""
    plug.sendall(HEAD + b"content-length: 1000000\r\n\r\n")
    _for_ever(plug, b" ", pause=DRIP_SECONDS)


def drips_a_head(plug: Any, line: str) -> None:
    """A head that never ends, slowly."""
    plug.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    _for_ever(plug, b"x", pause=DRIP_SECONDS)


def never_ends(plug: Any, line: str) -> None:
    """A body without end, as fast as it goes."""
    plug.sendall(HEAD + b"\r\n")
    _for_ever(plug, PIECE)


def continues(plug: Any, line: str) -> None:
    """Provisional answers without end (RFC 9110, section 15.2)."""
    _for_ever(plug, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def bomb(plug: Any, line: str) -> None:
    """A gigabyte as a megabyte of gzip."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(pack.compress(PIECE) for _ in range(1 << 14)) + pack.flush()
    plug.sendall(
        HEAD
        + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
        + body
    )


def leads_to(url: str, *, status: int = 307) -> Answer:
    """A redirect."""

    def answer(plug: Any, line: str) -> None:
        plug.sendall(
            f"HTTP/1.1 {status} Elsewhere\r\nlocation: {url}\r\n"
            "content-length: 0\r\nconnection: close\r\n\r\n".encode()
        )

    return answer


def redfish(*, system: str = "/redfish/v1/Systems/1", target: str = "/reset") -> Answer:
    """A board that speaks Redfish, with its system and its reset at these places."""

    def answer(plug: Any, line: str) -> None:
        path = line.split(" ")[1].rstrip("/")
        if path == "/redfish/v1":
            say(
                plug,
                {
                    "Id": "root",
                    "RedfishVersion": "1.6.0",
                    "Systems": {"@odata.id": "/redfish/v1/Systems"},
                    "Links": {"Sessions": {"@odata.id": "/redfish/v1/Sessions"}},
                },
            )
        elif path == "/redfish/v1/Systems":
            say(
                plug,
                {
                    "Name": "systems",
                    "Members": [{"@odata.id": system}],
                    "Members@odata.count": 1,
                },
            )
        else:
            say(
                plug,
                {
                    "@odata.id": "/redfish/v1/Systems/1",
                    "Id": "1",
                    "PowerState": "On",
                    "Actions": {
                        "#ComputerSystem.Reset": {
                            "target": target,
                            "ResetType@Redfish.AllowableValues": ["ForceOff", "On"],
                        }
                    },
                },
            )

    return answer


def _for_ever(plug: Any, data: bytes, *, pause: float = 0.0) -> None:
    quiet = threading.Event()
    while True:
        plug.sendall(data)
        if pause:
            quiet.wait(pause)
