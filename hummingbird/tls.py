# SPDX-License-Identifier: Apache-2.0
"""TLS for every server of ours, so that no stranger can hold it up.

cheroot's own adapter shakes hands in the thread that accepts: one peer that connects and
says nothing would keep everybody out. Here that happens at the first read, in a worker.
`sweep` ends connections that don't shake hands in time and, where a limit is given, those
that last longer than any honest one, however slowly they drip. Certificates may be
replaced on disk; the next connection after `take_new_certificate` sees the new one.
"""

import contextlib
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

from hummingbird.clock import Clock

CONNECTION_MAX_SECONDS: Final = 60.0
HANDSHAKE_MAX_SECONDS: Final = 10.0

_ENVIRON: Final = {"wsgi.url_scheme": "https", "HTTPS": "on"}


@dataclass(frozen=True)
class Certificate:
    """What a server shows who it is with: files (PEM), and what a person compares."""

    cert_path: Path
    key_path: Path
    ca_path: Path | None
    """The authority's certificate; None where clients know it by themselves."""
    fingerprint: str
    """SHA-256 (DER, in hex) of the authority's certificate, else of the server's own."""

    @property
    def ca_pem(self) -> str:
        """The authority's certificate, for who has no other way to know it."""
        return "" if self.ca_path is None else self.ca_path.read_text()

    @property
    def readable_fingerprint(self) -> str:
        """The fingerprint as browsers and openssl(1) write it."""
        digits = self.fingerprint.upper()
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


class _Link(ssl.SSLSocket):
    """A connection that says when somebody begins to read from it."""

    on_first_read: Callable[[ssl.SSLSocket], None] | None = None

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        told, self.on_first_read = self.on_first_read, None
        if told is not None:
            told(self)
        try:
            return super().recv_into(*arguments, **named)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            # A peer that doesn't trust us, or speaks no TLS. cheroot would answer 500 into
            # what is broken, and write two tracebacks for each such stranger.
            raise FatalSSLAlert(str(error)) from error


def _ours(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Link
    return context


class LazyAdapter(BuiltinSSLAdapter):
    """Wraps a connection and returns at once."""

    def __init__(
        self,
        cert_path: Path,
        key_path: Path,
        *,
        clock: Clock,
        most_seconds: float | None = CONNECTION_MAX_SECONDS,
        deferred: bool = False,
    ) -> None:
        """
        :param deferred: `defer_accept` was said of the listening socket, so that a peer
            that comes without a word has been silent for too long already.
        :param most_seconds: how long a connection may last; None means as long as its
            peer uses it.
        :raises OSError: the files can't be read, or are no certificate and its key.
        """
        self._files = (cert_path, key_path)
        self._loaded = self._stamp()
        self._clock = clock
        self._most_seconds = most_seconds
        self._deferred = deferred
        self._guard = threading.Lock()
        self._open: weakref.WeakKeyDictionary[ssl.SSLSocket, float] = (
            weakref.WeakKeyDictionary()
        )
        super().__init__(str(cert_path), str(key_path))
        _ours(self.context)

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Return the connection, its handshake still to come.

        :raises FatalSSLAlert: the peer has said nothing.
        """
        if self._deferred and _is_silent(sock):
            sock.close()
            raise FatalSSLAlert("it said nothing")
        link = self.context.wrap_socket(
            sock, server_side=True, do_handshake_on_connect=False
        )
        assert isinstance(link, _Link)
        link.on_first_read = self._begin
        return link, dict(_ENVIRON)

    def _begin(self, link: ssl.SSLSocket) -> None:
        # Not before a worker has it: while many come at once, those that wait their turn
        # hold nobody up, and are not to blame for how long that takes.
        with self._guard:
            self._open[link] = self._clock.monotonic()

    def sweep(self) -> int:
        """End the connections that have taken too long; return how many."""
        now = self._clock.monotonic()
        with self._guard:
            ages = [(link, now - since) for link, since in self._open.items()]
        late = [link for link, age in ages if self._is_late(link, age)]
        for link in late:
            # The worker that reads from it wakes up and closes it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(link, socket.SHUT_RDWR)
        return len(late)

    def _is_late(self, link: ssl.SSLSocket, age: float) -> bool:
        if self._most_seconds is not None and age > self._most_seconds:
            return True
        # There is no version of the protocol before the handshake has ended.
        return age > HANDSHAKE_MAX_SECONDS and link.version() is None

    def take_new_certificate(self) -> bool:
        """Show what is in the files from now on; return whether it is another."""
        stamp = self._stamp()
        if stamp == self._loaded:
            return False
        # Not the context in use: while it has the new certificate without its key,
        # handshakes would fail.
        fresh = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        fresh.load_cert_chain(*self._files)
        self.context = _ours(fresh)
        self._loaded = stamp
        return True

    def _stamp(self) -> tuple[int, int]:
        stat = self._files[0].stat()
        return stat.st_ino, stat.st_mtime_ns


def defer_accept(listening: socket.socket) -> None:
    """Have the kernel keep connections whose peers say nothing, tcp(7): no worker waits
    for them."""
    listening.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, int(HANDSHAKE_MAX_SECONDS)
    )


def _is_silent(sock: socket.socket) -> bool:
    try:
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False  # gone; the handshake will say so
    return False
