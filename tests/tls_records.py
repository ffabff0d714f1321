# SPDX-License-Identifier: Apache-2.0
"""A TLS client that sends records which no decent one would.

OpenSSL shakes hands; the records after that are made here, with the keys that OpenSSL
writes down for who wants to look into a connection (SSLKEYLOGFILE).
"""

import contextlib
import hashlib
import hmac
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ALERT, HANDSHAKE, DATA = 21, 22, 23
NEW_KEYS: Final = b"\x18\x00\x00\x01\x01"
"""A KeyUpdate that asks for the peer's (RFC 8446, section 4.6.3)."""
_WARNING: Final = b"\x01\x5a"
"""user_canceled."""
_PATIENCE: Final = 60.0


def _expand(secret: bytes, info: bytes, size: int, digest: str) -> bytes:
    """HKDF-Expand (RFC 5869)."""
    done, block, number = b"", b"", 1
    while len(done) < size:
        block = hmac.digest(secret, block + info + bytes([number]), digest)
        done, number = done + block, number + 1
    return done[:size]


def _labelled(secret: bytes, label: bytes, size: int, digest: str) -> bytes:
    """HKDF-Expand-Label (RFC 8446, section 7.1)."""
    name = b"tls13 " + label
    info = size.to_bytes(2) + bytes([len(name)]) + name + b"\x00"
    return _expand(secret, info, size, digest)


def _prf(secret: bytes, seed: bytes, size: int, digest: str) -> bytes:
    """The PRF of TLS 1.2 (RFC 5246, section 5)."""
    done, step = b"", seed
    while len(done) < size:
        step = hmac.digest(secret, step, digest)
        done += hmac.digest(secret, step + seed, digest)
    return done[:size]


class Client:
    """One connection, after its handshake."""

    def __init__(
        self,
        port: int,
        *,
        address: str = "127.0.0.1",
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:
        """
        :raises OSError: the server does not take it.
        """
        self.plug = socket.create_connection(
            ("127.0.0.1", port), timeout=_PATIENCE, source_address=(address, 0)
        )
        try:
            self._begin(version)
        except BaseException:
            self.plug.close()
            raise

    def _begin(self, version: ssl.TLSVersion) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ECDHE+AESGCM")
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        with tempfile.NamedTemporaryFile() as keys:
            context.keylog_filename = keys.name
            tls = context.wrap_bio(coming, going)
            heard = b""
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self.plug.sendall(going.read())
                    piece = self.plug.recv(65536)
                    if not piece:
                        raise ConnectionResetError("no handshake") from None
                    heard += piece
                    coming.write(piece)
            self.plug.sendall(going.read())
            lines = Path(keys.name).read_text().splitlines()
        known = {words[0]: words[1:] for words in map(str.split, lines) if words}
        name = (tls.cipher() or ("",))[0]
        self._digest = "sha384" if name.endswith("SHA384") else "sha256"
        self._size = 16 if "128" in name else 32
        self._maker = ChaCha20Poly1305 if "CHACHA" in name else AESGCM
        self._is_new = version is ssl.TLSVersion.TLSv1_3
        if self._is_new:
            self._secret = bytes.fromhex(known["CLIENT_TRAFFIC_SECRET_0"][1])
            self._take_keys()
        else:
            mine, master = (bytes.fromhex(word) for word in known["CLIENT_RANDOM"])
            seed = b"key expansion" + heard[11:43] + mine
            block = _prf(master, seed, 2 * self._size + 8, self._digest)
            self._key = self._maker(block[: self._size])
            self._iv = block[2 * self._size : 2 * self._size + 4]
            self._number = 1

    def _take_keys(self) -> None:
        self._key = self._maker(
            _labelled(self._secret, b"key", self._size, self._digest)
        )
        self._iv = _labelled(self._secret, b"iv", 12, self._digest)
        self._number = 0

    def record(self, content: bytes, kind: int = DATA) -> bytes:
        """Return a record, as the next of this connection."""
        number = self._number.to_bytes(8)
        self._number += 1
        if not self._is_new:
            known = number + bytes([kind]) + b"\x03\x03" + len(content).to_bytes(2)
            sealed = number + self._key.encrypt(self._iv + number, content, known)
            return bytes([kind]) + b"\x03\x03" + len(sealed).to_bytes(2) + sealed
        head = b"\x17\x03\x03" + (len(content) + 17).to_bytes(2)
        nonce = (int.from_bytes(self._iv) ^ int.from_bytes(number)).to_bytes(12)
        return head + self._key.encrypt(nonce, content + bytes([kind]), head)

    def new_keys(self) -> bytes:
        """Return a record that asks for new keys; what follows uses them."""
        made = self.record(NEW_KEYS, HANDSHAKE)
        size = hashlib.new(self._digest).digest_size
        self._secret = _labelled(self._secret, b"traffic upd", size, self._digest)
        self._take_keys()
        return made

    def nothing(self) -> bytes:
        """Return a record of data that has none."""
        return self.record(b"")

    def warning(self) -> bytes:
        """Return an alert that ends nothing."""
        return self.record(_WARNING, ALERT)

    def handshake_again(self) -> bytes:
        """Return the beginning of a handshake within the connection (TLS 1.2)."""
        hello = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x02" + b"\x01\x00"
        return self.record(b"\x01" + len(hello).to_bytes(3) + hello, HANDSHAKE)

    def say(self, *records: bytes) -> None:
        """Send these."""
        self.plug.sendall(b"".join(records))

    def is_sent_away(self) -> bool:
        """Wait for the server to close, whatever it says before."""
        with contextlib.suppress(ConnectionError):
            while self.plug.recv(65536):
                pass
        return True

    def close(self) -> None:
        """End it."""
        self.plug.close()
