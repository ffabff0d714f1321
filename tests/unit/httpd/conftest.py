# SPDX-License-Identifier: Apache-2.0
"""A server on the loopback, and a peer that says exactly what it is told to."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.server import Server
from hummingbird.tls import Certificate, ServerTls

PATIENCE = 60.0
"""Seconds for what should take none, on a machine that others use too."""


@dataclass
class Application:
    """A WSGI application whose answers a test can hold up."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.seen.append(environ)
        headers: list[tuple[str, str]] = []
        body: Iterable[bytes]
        match environ["PATH_INFO"].strip("/").split("/"):
            case ["size", number]:
                body = [b"x" * int(number)]
            case ["wait"]:
                self.arrived.release()
                assert self.go_on.wait(PATIENCE)
                body = [b"waited"]
            case ["pieces"]:
                body = self._pieces()
            case ["endless"]:
                body = self._endless()
            case ["fails"]:
                raise RuntimeError("on purpose")
            case ["bad-header"]:
                headers, body = [("X-Odd", "a\r\nSet-Cookie: b")], [b""]
            case ["reads", number]:
                begun = environ["wsgi.input"].read(int(number))
                body = [json.dumps(len(begun)).encode()]
            case ["nothing"]:
                start_response("204 No Content", [])
                return []
            case _:
                length = environ.get("CONTENT_LENGTH")
                size = int(length) if length else 0
                if environ.get("wsgi.input_terminated"):
                    size = 2**30
                body = [environ["wsgi.input"].read(size)]
        start_response("200 OK", headers)
        return body

    def _pieces(self) -> Iterator[bytes]:
        yield b"first"
        assert self.go_on.wait(PATIENCE)
        yield b"last"

    def _endless(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            self.given_up.set()


class Peer:
    """One plain TCP connection."""

    def __init__(self, port: int, *, address: str = "127.0.0.1") -> None:
        self.link = socket.socket()
        self.link.settimeout(PATIENCE)
        self.link.bind((address, 0))
        self.link.connect(("127.0.0.1", port))

    def say(self, text: str | bytes) -> None:
        self.link.sendall(text.encode() if isinstance(text, str) else text)

    def hear(self) -> bytes:
        """Return what it says until it closes, or breaks off."""
        pieces = []
        with contextlib.suppress(ConnectionError):
            while piece := self.link.recv(65536):
                pieces.append(piece)
        return b"".join(pieces)

    def hear_until(self, end: bytes) -> bytes:
        heard = b""
        while not heard.endswith(end):
            piece = self.link.recv(65536)
            assert piece, heard
            heard += piece
        return heard

    def is_sent_away(self) -> bool:
        """Wait for the server to close without a word."""
        try:
            return self.link.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.link.close()


@dataclass
class World:
    """A server, started with what a test wants of it."""

    application: Application
    folder: Path
    servers: list[Server] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    def serve(
        self,
        *,
        threads: int = 4,
        tls: ServerTls | None = None,
        bind: str = "127.0.0.1",
        **limits: Any,
    ) -> Server:
        server = Server(
            self.application,
            bind=bind,
            port=0,
            name="test",
            threads=threads,
            clock=SystemClock(),
            limits=Limits(**limits),
            tls=tls,
        )
        self.servers.append(server)
        server.start()
        return server

    def peer(self, server: Server, *, address: str = "127.0.0.1") -> Peer:
        peer = Peer(server.port, address=address)
        self.peers.append(peer)
        return peer

    def ask(self, server: Server, text: str | bytes, **more: Any) -> bytes:
        """Say all of it, and return what is answered until the end."""
        peer = self.peer(server, **more)
        peer.say(text)
        return peer.hear()

    def certificate(self) -> Certificate:
        return ensure_server_certificate(self.folder, ["127.0.0.1"], server="test")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(Application(), tmp_path)
    yield made
    made.application.go_on.set()
    for peer in made.peers:
        peer.close()
    for server in made.servers:
        server.stop()
        server.stop()


def eventually(true: Callable[[], object]) -> None:
    """Wait until it is."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def get(path: str, *, close: bool = False) -> str:
    """Return a request as a client sends it."""
    end = "Connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{end}\r\n"
