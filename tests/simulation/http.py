# SPDX-License-Identifier: Apache-2.0
"""HTTP between simulated processes: the product's WSGI applications behind servers without
sockets, and the connections of those who ask them.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.simulation.network import SocketModule, network_of
from tests.simulation.threads import Event, active, current_process


@dataclass(eq=False)
class _Request:
    """One request on its way through a server."""

    environ: dict[str, Any]
    answer: Callable[[bytes], None]


class HttpServer:
    """Stands for hummingbird/httpd's server: a WSGI server without TLS and sockets, with
    as many workers as the real one."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        bind: str,
        port: int,
        threads: int,
        tls: object = None,
        **_: object,
    ) -> None:
        self.process = current_process()
        self.tls = tls
        self.port = port
        self.url = f"https://{bind}:{port}"
        self.connections = 0
        self.queued = 0
        self._place = (str(self.process.facts["address"]), port)
        self._application = application
        self._free = threads
        self._waiting: deque[_Request] = deque()

    def open(self) -> None:
        network_of(self.process).listeners[self._place] = self
        self.process.on_end.append(self._forget)

    def start(self) -> None:
        if network_of(self.process).listeners.get(self._place) is not self:
            self.open()

    def stop(self) -> None:
        self._forget()

    def _forget(self) -> None:
        listeners = network_of(self.process).listeners
        if listeners.get(self._place) is self:
            del listeners[self._place]

    def take(self, environ: dict[str, Any], answer: Callable[[bytes], None]) -> None:
        """Take a request in; `answer` gets the whole HTTP answer, if one comes."""
        self._waiting.append(_Request(environ, answer))
        self._work()

    def _work(self) -> None:
        if not self._free or not self._waiting or not self.process.is_alive:
            return
        self._free -= 1
        request = self._waiting.popleft()
        active().spawn(self.process, lambda: self._answer(request), name="http")

    def _answer(self, request: _Request) -> None:
        try:
            active().pass_by("http")
            request.answer(_call(self._application, request.environ))
        finally:
            self._free += 1
            self._work()


def _call(
    application: Callable[..., Iterable[bytes]], environ: dict[str, Any]
) -> bytes:
    """Return the application's answer as it goes over the wire."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        seen.append((status, headers))

    body = b"".join(application(environ, start))
    status, headers = seen[-1]
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    if not any(line.lower().startswith("content-length:") for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Stream:
    """A client's connection that carries one HTTP request and its answer."""

    def __init__(self, place: tuple[str, int], timeout: float | None = None) -> None:
        process = current_process()
        self._network = network_of(process)
        self._address = str(process.facts["address"])
        self._place = place
        self._timeout = timeout
        self._server = self._network.connect(
            self._address, place, timeout=timeout or 120.0
        )
        self._arrived = Event()
        self._answer: bytes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def close(self) -> None:
        return

    def getpeername(self) -> tuple[str, int]:
        return self._place

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def sendall(self, request: bytes) -> None:
        environ = parse(request, sender=self._address)
        self._server.take(environ, self._take)

    def _take(self, answer: bytes) -> None:
        if self._network.is_open(self._address, self._place[0]):
            self._answer = answer
            self._arrived.set()

    def recv(self, size: int) -> bytes:
        if not self._arrived.wait(self._timeout):
            raise TimeoutError("timed out")
        assert self._answer is not None
        part, self._answer = self._answer[:size], self._answer[size:]
        return part


def parse(request: bytes, *, sender: str) -> dict[str, Any]:
    """Return a raw HTTP request as a WSGI server would hand it on."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": query,
        "REMOTE_ADDR": sender,
        "SERVER_NAME": "controller",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "https",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines[1:]:
        name, _, value = line.partition(":")
        key = name.strip().upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value.strip()
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = value.strip()
    return environ


@contextmanager
def secured(plain: Stream, *_: object) -> Iterator[Stream]:
    """Stands for TLS."""
    yield plain


STREAMS: Final = SocketModule(
    create_connection=lambda place, timeout=None, **_: Stream(place, timeout)
)
"""`socket` for agents/link/exchange.py."""
