# SPDX-License-Identifier: Apache-2.0
"""One request through a WSGI application (PEP 3333), in a worker's thread.

An answer that is at hand (a list of bytes) is sent as far as the peer takes it at once;
the event loop sends the rest. One that comes piece by piece has the worker to itself,
at the least rate that `Limits` allows.
"""

import io
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import h11

from hummingbird.clock import Clock
from hummingbird.httpd.connection import Connection
from hummingbird.httpd.stream import StreamedBody, send_all

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_JOIN_BYTES: Final = 64 * 1024
"""Up to here a copy is cheaper than another packet."""
_FAILED: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an application is told of its server."""

    name: str
    port: int
    scheme: str


class _Start:
    """What the application says of its answer before the body."""

    def __init__(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], *_: Any
    ) -> Callable[[bytes], object]:
        code, _space, reason = status.partition(" ")
        self.status, self.reason = int(code), reason.encode("latin-1")
        self.headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        return _write

    def has(self, name: bytes) -> bool:
        """Return whether a header has this name."""
        return any(given.lower() == name for given, _ in self.headers)


def _write(_data: bytes) -> None:
    raise NotImplementedError("answers are returned, not written")


def serve(
    connection: Connection,
    application: Application,
    *,
    site: Site,
    clock: Clock,
    is_ending: Callable[[], bool],
) -> None:
    """Answer the connection's request; what is not sent yet is in its `out`.

    :param is_ending: returns whether the server does: no other request may follow.
    :raises OSError: the peer is gone or too slow, or the answer broke off.
    """
    start = _Start()
    stream = StreamedBody(connection, clock) if connection.is_streamed else None
    pieces: Iterable[bytes] = ()
    try:
        pieces = application(_environ(connection, stream, site=site), start)
        if stream is not None:
            stream.settle()
        if is_ending() or connection.http.their_state is not h11.DONE:
            connection.keeps_open = False
        _answer(connection, start, pieces, clock=clock)
    except ConnectionError:
        raise
    except Exception as error:
        LOG.exception("A request failed")
        if connection.http.our_state is not h11.SEND_RESPONSE:
            raise ConnectionAbortedError("the answer broke off") from error
        connection.keeps_open = False
        connection.begin_answer([_FAILED], now=clock.monotonic())
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    connection.send_some()


def _answer(
    connection: Connection, start: _Start, body: Iterable[bytes], *, clock: Clock
) -> None:
    assert connection.request is not None
    http = connection.http
    if not start.has(b"date"):
        start.headers.append((b"Date", formatdate(usegmt=True).encode()))
    if not connection.keeps_open:
        start.headers.append((b"Connection", b"close"))
    may_have_body = start.status not in (204, 304)
    is_whole = isinstance(body, list | tuple)
    if is_whole and may_have_body and not start.has(b"content-length"):
        size = sum(len(piece) for piece in body)
        start.headers.append((b"Content-Length", str(size).encode()))
    has_body = may_have_body and connection.request.method != b"HEAD"
    head = http.send(
        h11.Response(
            status_code=start.status, reason=start.reason, headers=start.headers
        )
    )
    sent = [head or b""]
    if has_body and not is_whole:
        _stream(connection, sent, body, clock=clock)
        return
    for piece in body if has_body else ():
        if piece:
            sent += http.send_with_data_passthrough(h11.Data(data=piece)) or ()
    sent += http.send_with_data_passthrough(h11.EndOfMessage()) or ()
    if sum(len(piece) for piece in sent) <= _JOIN_BYTES:
        sent = [b"".join(sent)]
    connection.begin_answer(sent, now=clock.monotonic())


def _stream(
    connection: Connection,
    begun: list[bytes],
    body: Iterable[bytes],
    *,
    clock: Clock,
) -> None:
    http = connection.http
    for piece in body:
        if piece:
            begun += http.send_with_data_passthrough(h11.Data(data=piece)) or ()
            _flush(connection, begun, clock=clock)
    begun += http.send_with_data_passthrough(h11.EndOfMessage()) or ()
    _flush(connection, begun, clock=clock)
    connection.begin_answer([], now=clock.monotonic())


def _flush(connection: Connection, pieces: list[bytes], *, clock: Clock) -> None:
    try:
        send_all(connection, b"".join(pieces), clock=clock)
    except OSError as error:
        raise ConnectionAbortedError(str(error)) from error
    pieces.clear()


def _environ(
    connection: Connection, stream: StreamedBody | None, *, site: Site
) -> Environ:
    request = connection.request
    assert request is not None
    path, _, query = request.target.partition(b"?")
    environ: Environ = {
        "REQUEST_METHOD": request.method.decode("ascii"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": _unquoted(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": site.name,
        "SERVER_PORT": str(site.port),
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
        "SERVER_SOFTWARE": site.name,
        "REMOTE_ADDR": connection.peer[0],
        "REMOTE_PORT": str(connection.peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": site.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if site.scheme == "https":
        environ["HTTPS"] = "on"
    is_chunked = _add_headers(environ, request)
    if stream is not None:
        environ["wsgi.input"] = stream
        environ["wsgi.input_terminated"] = is_chunked
        return environ
    body = b"".join(connection.body)
    environ["wsgi.input"] = io.BytesIO(body)
    if is_chunked:
        # It is here, whole, or so much of it that it is refused: it has a length now.
        del environ["HTTP_TRANSFER_ENCODING"]
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _add_headers(environ: Environ, request: h11.Request) -> bool:
    """Add what the client said; return whether its body is in chunks."""
    for raw_name, raw_value in request.headers:
        if b"_" in raw_name:
            continue  # X_Auth_Token would pass for X-Auth-Token
        name = raw_name.decode("ascii").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        if name in environ:
            separator = "; " if name == "HTTP_COOKIE" else ", "
            value = f"{environ[name]}{separator}{value}"
        environ[name] = value
    return "HTTP_TRANSFER_ENCODING" in environ


def _unquoted(path: bytes) -> bytes:
    """Return the path as it is meant, but a quoted slash as it was written: it is part of
    a name and ends none."""
    if b"%" not in path:
        return path
    parts = path.replace(b"%2f", b"%2F").split(b"%2F")
    return b"%2F".join(unquote_to_bytes(part) for part in parts)
