# SPDX-License-Identifier: Apache-2.0
"""One exchange with a peer that nobody trusts: it ends at its deadline, and takes no more
than so many bytes.

A socket's own time-out starts anew with each byte, and does not end a read that OpenSSL
goes on with inside (records without data). So at the deadline the connection is shut down
from outside, by a second descriptor of it: whoever reads is woken, whatever it reads with.
"""

import socket
import ssl
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self


class ExchangeLate(TimeoutError):
    """The deadline has passed."""


class ExchangeTooLarge(OSError):
    """The peer said more than it may."""


_CURRENT: Final[ContextVar["Exchange | None"]] = ContextVar("exchange", default=None)


class Exchange:
    """What is said with one peer, inside `with`: connections, deadline, bytes.

    Of one thread; one inside another takes its place until it ends.
    """

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        """
        :param seconds: for all of it: connections, handshakes, questions, answers.
        :param most_bytes: of what the peer says inside TLS, heads and bodies together.
        """
        self.seconds = seconds
        self.most_bytes = most_bytes
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._heard = 0
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.name = "exchange-deadline"

    def __enter__(self) -> Self:
        self._deadline = time.monotonic() + self.seconds
        self._timer.start()
        self._token = _CURRENT.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _CURRENT.reset(self._token)
        self._timer.cancel()
        with self._lock:
            watched, self._watched = self._watched, []
        for one in watched:
            one.close()

    @property
    def trouble(self) -> str | None:
        """Which of the two bounds the peer ran into, as a sentence; None: neither."""
        if self._heard > self.most_bytes:
            return f"it said more than {self.most_bytes} bytes"
        if time.monotonic() >= self._deadline:
            return f"it did not come to an end in {self.seconds:g} s"
        return None

    def left(self) -> float:
        """Return the seconds that are left, more than none.

        :raises ExchangeLate: none are.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ExchangeLate(f"it did not come to an end in {self.seconds:g} s")
        return left

    def heard(self, count: int) -> None:
        """Take note of bytes that came.

        :raises ExchangeTooLarge: they are more than the peer may say.
        """
        self._heard += count
        if self._heard > self.most_bytes:
            raise ExchangeTooLarge(f"it said more than {self.most_bytes} bytes")

    def connect(
        self, host: str, port: int, *, seconds: float | None = None
    ) -> "CountedSocket":
        """Return a connection that ends with this exchange.

        :param seconds: for each of the peer's addresses, and for each read after that.
        :raises OSError: none comes about.
        """
        failure: OSError = OSError("it has no address")
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host, port, 0, socket.SOCK_STREAM
        ):
            plug = CountedSocket(family, kind, protocol)
            try:
                left = self.left()
                plug.settimeout(left if seconds is None else min(seconds, left))
                plug.connect(place)
                plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plug.settimeout(seconds if seconds is not None else self.left())
                self.watch(plug)
            except OSError as error:
                plug.close()
                failure = error
                continue
            return plug
        raise failure

    def watch(self, plug: Any) -> None:
        """Have a connection end with this exchange, and count what comes by it.

        :raises ExchangeLate: it has ended.
        """
        self.left()
        plug.exchange = self
        second = socket.socket(fileno=socket.dup(plug.fileno()))
        with self._lock:
            self._watched.append(second)
        if time.monotonic() >= self._deadline:
            self._end()

    def _end(self) -> None:
        with self._lock:
            for one in self._watched:
                with suppress(OSError):  # it may have ended by itself
                    one.shutdown(socket.SHUT_RDWR)


class CountedSocket(socket.socket):
    """A connection whose bytes are counted."""

    exchange: Exchange | None = None

    def recv(self, *arguments: Any) -> bytes:
        data = super().recv(*arguments)
        if self.exchange is not None:
            self.exchange.heard(len(data))
        return data

    def recv_into(self, *arguments: Any) -> int:
        count = super().recv_into(*arguments)
        if self.exchange is not None:
            self.exchange.heard(count)
        return count


class CountedTls(ssl.SSLSocket):
    """The same inside TLS; made by a context whose `sslsocket_class` it is."""

    exchange: Exchange | None = None

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        said = super().read(len, buffer)
        if self.exchange is not None:
            self.exchange.heard(said if isinstance(said, int) else said.__len__())
        return said


def current() -> Exchange:
    """Return the exchange that this thread is in.

    :raises RuntimeError: it is in none: nobody may be asked without a bound.
    """
    found = _CURRENT.get()
    if found is None:
        raise RuntimeError("a connection outside of an exchange has no deadline")
    return found
