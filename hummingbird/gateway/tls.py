# SPDX-License-Identifier: Apache-2.0
"""TLS for the endpoint, so that no stranger can hold it up.

cheroot's own adapter shakes hands in the thread that accepts: one peer that connects and
says nothing would keep everybody out. Here that happens at the first read, in a worker.
`sweep` ends connections that last longer than any honest one, however slowly they drip.
Certificates may be replaced on disk; the next connection sees the new one.
"""

import contextlib
import socket
import ssl
import threading
import weakref
from pathlib import Path
from typing import Any, Final

from cheroot.ssl.builtin import BuiltinSSLAdapter

from hummingbird.clock import Clock

CONNECTION_MAX_SECONDS: Final = 60.0

_ENVIRON: Final = {"wsgi.url_scheme": "https", "HTTPS": "on"}


class LazyAdapter(BuiltinSSLAdapter):
    """Wraps a connection and returns at once."""

    def __init__(self, cert_path: Path, key_path: Path, *, clock: Clock) -> None:
        self._files = (cert_path, key_path)
        self._loaded = self._stamp()
        self._clock = clock
        self._guard = threading.Lock()
        self._open: weakref.WeakKeyDictionary[ssl.SSLSocket, float] = (
            weakref.WeakKeyDictionary()
        )
        super().__init__(str(cert_path), str(key_path))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Return the connection, its handshake still to come."""
        link = self.context.wrap_socket(
            sock, server_side=True, do_handshake_on_connect=False
        )
        with self._guard:
            self._open[link] = self._clock.monotonic()
        return link, dict(_ENVIRON)

    def sweep(self) -> int:
        """End the connections that have lasted too long; return how many."""
        oldest = self._clock.monotonic() - CONNECTION_MAX_SECONDS
        with self._guard:
            late = [link for link, since in self._open.items() if since < oldest]
        for link in late:
            # The worker that reads from it wakes up and closes it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(link, socket.SHUT_RDWR)
        return len(late)

    def take_new_certificate(self) -> bool:
        """Show what is in the files from now on; return whether it is another."""
        stamp = self._stamp()
        if stamp == self._loaded:
            return False
        self.context.load_cert_chain(*self._files)
        self._loaded = stamp
        return True

    def _stamp(self) -> tuple[int, int]:
        stat = self._files[0].stat()
        return stat.st_ino, stat.st_mtime_ns
