# SPDX-License-Identifier: Apache-2.0
"""Passes requests on to StarlingX's sysinv, and its answers back, piece by piece.

Nothing of a body is kept or looked at. Who found it away remembers that for some seconds,
in which nobody waits for it; then one request tries, and the others go on not waiting
until that one has an answer. A list's patience is short and is remembered apart, because
a sysinv that is slow with lists may still do what else it is asked. So many requests at
most are with it at one time; the next one is refused at once.

A request is sent once. Only one without a body that came to a connection which sysinv had
closed meanwhile is sent again, on a new one.
"""

import logging
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpcore

from hummingbird.clock import Clock
from hummingbird.errors import SysinvBusy, SysinvUnavailable, SysinvUrlInvalid

LOG = logging.getLogger(__name__)

Headers = Sequence[tuple[str, str]]

_IDLE_SECONDS: Final = 30.0
"""How long a connection that nobody uses is kept."""

_AGAIN: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""What may be sent twice, if it has no body."""


class Circuit:
    """Remembers that a neighbour is away, so that only one request a while finds out."""

    def __init__(self, clock: Clock, *, seconds: float, what: str = "sysinv") -> None:
        """
        :param seconds: how long nobody tries again.
        :param what: is away, for the log.
        """
        self._clock = clock
        self._what = what
        self._seconds = seconds
        self._lock = threading.Lock()
        self._until: float | None = None

    def enter(self) -> None:
        """Let a request through.

        :raises SysinvUnavailable: it was away a moment ago, and this is not the request
            that tries again.
        """
        with self._lock:
            if self._until is None:
                return
            now = self._clock.monotonic()
            if now < self._until:
                raise SysinvUnavailable(message="it was away a moment ago")
            self._until = now + self._seconds

    def note(self, *, well: bool) -> None:
        """Remember how a request ended."""
        with self._lock:
            was_well = self._until is None
            self._until = None if well else self._clock.monotonic() + self._seconds
        if was_well and not well:
            LOG.warning("%s is away; edgeworkers are served without it", self._what)
        elif well and not was_well:
            LOG.info("%s answers again", self._what)


class RelayAnswer:
    """What sysinv answers; its body is read while it is iterated."""

    def __init__(
        self, response: httpcore.Response, places: threading.BoundedSemaphore
    ) -> None:
        self.status = response.status
        self.reason = _text(response.extensions.get("reason_phrase", b""))
        self.headers = [(_text(name), _text(value)) for name, value in response.headers]
        self._response = response
        self._places: threading.BoundedSemaphore | None = places

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes, encoded as it is.

        Before the last piece of a body of known length is given on, the connection is
        free: who has read it all may come again at once, and finds that one.

        :raises SysinvUnavailable: it breaks off.
        """
        left = _length(self.headers)
        try:
            stream = iter(self._response.iter_stream())
            for piece in stream:
                left = None if left is None else left - len(piece)
                if left == 0:
                    for _ in stream:  # its end, which is here already
                        pass
                    self.close()
                yield piece
        except _FAILURES as error:
            raise SysinvUnavailable(
                message=f"its answer broke off ({type(error).__name__})"
            ) from error

    def close(self) -> None:
        """Let go of the connection and the place; safe to call twice."""
        if self._places is not None:
            places, self._places = self._places, None
            self._response.close()
            places.release()


class SysinvRelay:
    """One sysinv; shared by all threads of an API."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        ca_file: Path | None = None,
        connect_seconds: float = 1.0,
        answer_seconds: float = 600.0,
        list_seconds: float = 10.0,
        away_seconds: float = 5.0,
        passages: int = 16,
    ) -> None:
        """
        :param url: where it is, with or without the version: http://controller:6385
        :param ca_file: the authority of its certificate, if it is not a public one.
        :param connect_seconds: how long a connection may take to come about.
        :param answer_seconds: how long it may be silent.
        :param list_seconds: the same for a list.
        :param away_seconds: how long nobody tries again once it was found away.
        :param passages: how many requests may be with it at one time.
        :raises SysinvUrlInvalid: `url` is none.
        """
        parts = _checked(url)
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
        self._passages = passages
        self._places = threading.BoundedSemaphore(passages)
        self._connect_seconds = connect_seconds
        self._patience = {False: answer_seconds, True: list_seconds}
        self._reached = Circuit(clock, seconds=away_seconds)
        self._listed = Circuit(clock, seconds=away_seconds, what="sysinv's list")
        context = None
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=passages,
            keepalive_expiry=_IDLE_SECONDS,
        )

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Iterable[bytes] | None,
        *,
        is_list: bool = False,
    ) -> RelayAnswer:
        """Return sysinv's answer as soon as its head is there; the caller closes it.

        :param target: path and query as they stand in a request's first line.
        :param headers: with Content-Length, or the body is sent in chunks.
        :param is_list: whether the caller has something to show without it.
        :raises SysinvUnavailable: it does not answer, or is known not to.
        :raises SysinvBusy: too many requests are with it already.
        """
        self._reached.enter()
        if is_list:
            self._listed.enter()
        if not self._places.acquire(blocking=False):
            raise SysinvBusy(passages=self._passages)
        try:
            response = self._ask(
                self._request(method, target, headers, body, is_list=is_list),
                attempts=2 if body is None and method in _AGAIN else 1,
                is_list=is_list,
            )
        except BaseException:
            self._places.release()
            raise
        self._reached.note(well=True)
        if is_list:
            self._listed.note(well=True)
        return RelayAnswer(response, self._places)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _request(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Iterable[bytes] | None,
        *,
        is_list: bool,
    ) -> httpcore.Request:
        seconds = self._patience[is_list]
        if body is not None and not any(
            n.lower() == "content-length" for n, _ in headers
        ):
            headers = [*headers, ("Transfer-Encoding", "chunked")]
        return httpcore.Request(
            method.encode("latin-1"),
            httpcore.URL(
                scheme=self._scheme,
                host=self._host or "",
                port=self._port,
                target=(self._prefix + target).encode("latin-1"),
            ),
            headers=[
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in headers
            ],
            content=body,
            extensions={
                "timeout": {
                    "connect": self._connect_seconds,
                    "read": seconds,
                    "write": seconds,
                    "pool": self._connect_seconds,
                }
            },
        )

    def _ask(
        self, request: httpcore.Request, *, attempts: int, is_list: bool
    ) -> httpcore.Response:
        while True:
            attempts -= 1
            try:
                return self._pool.handle_request(request)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                self._reached.note(well=False)
                raise SysinvUnavailable(message="no connection comes about") from error
            except httpcore.TimeoutException as error:
                if is_list:
                    self._listed.note(well=False)
                seconds = self._patience[is_list]
                raise SysinvUnavailable(
                    message=f"it said nothing for {seconds:g} s"
                ) from error
            except _FAILURES as error:
                if not attempts:
                    raise SysinvUnavailable(
                        message=f"no answer came back ({type(error).__name__})"
                    ) from error


_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and not parts.query
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        raise SysinvUrlInvalid(url=url) from error
    if not fits:
        raise SysinvUrlInvalid(url=url)
    return parts


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _length(headers: Iterable[tuple[str, str]]) -> int | None:
    """Return how many bytes a body has, or None where that is not said."""
    said = [value for name, value in headers if name.lower() == "content-length"]
    return int(said[0]) if said and said[0].isdecimal() else None
