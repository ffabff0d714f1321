# SPDX-License-Identifier: Apache-2.0
"""What a server shows who it is with, and its side of TLS.

Certificates may be replaced on disk; the next connection after `take_new_certificate`
sees the new one. Handshakes are the business of who has the connection (`httpd`).
"""

import ssl
from dataclasses import dataclass
from pathlib import Path


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


class ServerTls:
    """The TLS side of a server's connections."""

    def __init__(self, cert_path: Path, key_path: Path) -> None:
        """
        :raises OSError: the files can't be read, or are no certificate and its key.
        """
        self._files = (cert_path, key_path)
        self._loaded = self._stamp()
        self._context = self._fresh()

    def wrap(self, coming: ssl.MemoryBIO, going: ssl.MemoryBIO) -> ssl.SSLObject:
        """Return one connection's TLS, its handshake still to come. Not over a socket: a
        read of one goes on inside OpenSSL for as long as records come.

        :param coming: what the peer sends is put here.
        :param going: what it is to be sent is found here.
        """
        return self._context.wrap_bio(coming, going, server_side=True)

    def take_new_certificate(self) -> bool:
        """Show what is in the files from now on; return whether it is another.

        :raises OSError: they can't be used; what was shown before still is.
        """
        stamp = self._stamp()
        if stamp == self._loaded:
            return False
        # Not the context in use: while it has the new certificate without its key,
        # handshakes would fail.
        self._context = self._fresh()
        self._loaded = stamp
        return True

    def _fresh(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Each would cost a handshake's work and needs no new connection.
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.load_cert_chain(*self._files)
        return context

    def _stamp(self) -> tuple[int, int]:
        stat = self._files[0].stat()
        return stat.st_ino, stat.st_mtime_ns
