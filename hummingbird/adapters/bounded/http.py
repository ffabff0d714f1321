# SPDX-License-Identifier: Apache-2.0
"""HTTP by requests and urllib3 with a bound on everything: time, bytes, place, encoding.

A connection comes about only inside an `Exchange`, which ends it. A body that says it is
encoded is refused, not decoded: a few kB of gzip can be gigabytes. Text is UTF-8 (RFC 8259,
section 8.1); which else it could be is not guessed at. With an origin, what leads to another
scheme, host or port is refused, and so is a redirect: the name and the password that go
with each request are for that origin alone.
"""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import InvalidURL, ReadTimeout, RequestException
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from hummingbird.adapters.bounded.exchange import CountedTls, Exchange, current

PIECE_BYTES: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = frozenset({"", "identity"})

Begin = Callable[[], AbstractContextManager[Exchange]]


class _Bounded(HTTPConnection):
    """A connection inside an exchange."""

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else None
        try:
            return current().connect(self._dns_host, self.port or 0, seconds=seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(
                self, f"no connection to {self.host} in time"
            ) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        super().connect()
        # TLS has put a socket of its own in the place of ours.
        plug: Any = self.sock
        plug.exchange = current()

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            current().watch(self.sock)  # one that was kept is this exchange's now
        super().request(*arguments, **options)

    def getresponse(self) -> Any:
        response = super().getresponse()
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _PLAIN:
            raise ProtocolError("its answer is encoded, which nobody asked for")
        return response


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same inside TLS."""


def _plain_pool(host: str, port: int | None, **options: Any) -> HTTPConnectionPool:
    pool = HTTPConnectionPool(host, port, **options)
    pool.ConnectionCls = _Bounded
    return pool


def _tls_pool(host: str, port: int | None, **options: Any) -> HTTPSConnectionPool:
    if options.get("ssl_context") is None:
        options["ssl_context"] = create_urllib3_context(
            cert_reqs=resolve_cert_reqs(options.get("cert_reqs"))
        )
        # As urllib3 does with a context of its own, where nobody names an authority.
        named = ("ca_certs", "ca_cert_dir", "ca_cert_data")
        if not any(options.get(name) for name in named):
            options["ssl_context"].load_default_certs()
    options["ssl_context"].sslsocket_class = CountedTls
    pool = HTTPSConnectionPool(host, port, **options)
    pool.ConnectionCls = _BoundedTls
    return pool


def bind_pools(manager: Any) -> None:
    """Have all connections of a urllib3 pool manager be bounded."""
    manager.pool_classes_by_scheme = {"http": _plain_pool, "https": _tls_pool}


class BoundedAdapter(HTTPAdapter):
    """What a session of requests sends by."""

    def __init__(
        self, begin: Begin, *, origin: str | None = None, fingerprint: str | None = None
    ) -> None:
        """
        :param begin: gives the exchange that a request is in.
        :param origin: the one scheme, host and port to speak to, as a URL; None: any.
        :param fingerprint: SHA-256 of the one certificate to speak to, in hexadecimal.
        """
        self._begin = begin
        self._origin = None if origin is None else _origin(origin)
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        if self._fingerprint is not None:
            options["assert_fingerprint"] = self._fingerprint
        super().init_poolmanager(*arguments, **options)
        bind_pools(self.poolmanager)

    def send(
        self, request: PreparedRequest, *arguments: Any, **options: Any
    ) -> Response:
        """Return the whole answer.

        :raises RequestException: it leads elsewhere, is late, too large or encoded.
        """
        self._check(request.url or "")
        request.headers["Accept-Encoding"] = "identity"
        with self._begin() as exchange:
            try:
                exchange.left()
                response = super().send(request, *arguments, **options)
                body = b"".join(response.raw.stream(PIECE_BYTES, decode_content=False))
            except (RequestException, HTTPError, OSError) as error:
                if exchange.trouble is not None:
                    raise ReadTimeout(exchange.trouble, request=request) from error
                if isinstance(error, RequestException):
                    raise
                raise NoConnection(error, request=request) from error
            if exchange.trouble is not None:
                # A body without a length ends as well where the connection was cut.
                raise ReadTimeout(exchange.trouble, request=request)
        response.raw.release_conn()
        response._content = body
        response._content_consumed = True  # type: ignore[attr-defined]
        response.encoding = "utf-8"
        if self._origin is not None and response.is_redirect:
            raise InvalidURL("it leads elsewhere (a redirect), which is not followed")
        return response

    def _check(self, url: str) -> None:
        if self._origin is None:
            return
        try:
            found = _origin(url)
        except ValueError as error:
            raise InvalidURL("it leads to what is no URL") from error
        if found != self._origin:
            raise InvalidURL(
                "it leads to another scheme, host or port than its own, and is not followed"
            )


def bounded_session(
    begin: Begin, *, origin: str | None = None, fingerprint: str | None = None
) -> Session:
    """Return a session that speaks by a BoundedAdapter alone, to nobody's proxy."""
    session = Session()
    bind_session(session, begin, origin=origin, fingerprint=fingerprint)
    return session


def bind_session(
    session: Session,
    begin: Begin,
    *,
    origin: str | None = None,
    fingerprint: str | None = None,
) -> None:
    """Have a session speak by a BoundedAdapter alone, whatever the URL."""
    session.trust_env = False
    session.adapters.clear()
    session.mount("", BoundedAdapter(begin, origin=origin, fingerprint=fingerprint))
    if origin is not None:
        session.max_redirects = 0


def _origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port.

    :raises ValueError: it is no URL with both, or names a user.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError(url)
    if "\\" in url:
        raise ValueError(url)  # parsers differ in what it ends
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]
