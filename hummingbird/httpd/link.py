# SPDX-License-Identifier: Apache-2.0
"""How bytes come from a peer and go to it: plainly, or through TLS.

TLS is given to OpenSSL record by record, from memory, never the socket. So one call ends
after so many records, and records that bring no data are counted: new keys (RFC 8446,
section 4.6.3), a handshake once more, tickets, warnings, records that are empty. Each
costs us work, and a peer may send them without end. A link never waits.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

READ_BYTES: Final = 64 * 1024
"""What one `recv` returns at most."""
_PLAIN_PIECE: Final = 256 * 1024
_SECRET_PIECE: Final = 64 * 1024
"""What is encrypted before the peer has taken it."""
_HEAD: Final = 5
_RECORD_BYTES: Final = 2**14
"""Of data in a record (RFC 8446, section 5.1)."""
_EXPANSION: Final = 2048
"""What a record may have beside its data (RFC 5246, section 6.2.3)."""
_TYPES: Final = range(20, 25)
_RECORDS: Final = 16
"""That one `recv` decrypts, once there is data: then it is the others' turn."""
_FREE: Final = 32
"""Records without data that a connection may have, its handshake's among them."""
_FREE_SHARE: Final = 64 * 1024
"""Bytes of data that let it have another. A client that changes its keys does so after
gigabytes (RFC 8446, section 5.5)."""
_LONG: Final = 1024
"""Bytes of a record without data after which it counts for one more."""

Wrap = Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject]
"""Makes the TLS side of a connection, given what comes in and what goes out."""


class IsFull(BlockingIOError):
    """The peer has to take something first. Where it has to send something, there is a
    plain `BlockingIOError`."""


class NothingButRecords(ConnectionAbortedError):
    """The peer sends what costs work and brings no data."""


class Link(Protocol):
    """One connection's bytes."""

    def shake_hands(self) -> None:
        """Go on until data can come.

        :raises OSError: it would have to wait (`BlockingIOError`), or there will be none.
        """

    def recv(self) -> bytes:
        """Return what has come, at most `READ_BYTES` or a record more; nothing at the end.

        :raises OSError: it would have to wait (`BlockingIOError`), or the peer is gone.
        """

    def send(self, data: memoryview) -> int:
        """Take some of it to be sent; return how many bytes.

        :raises OSError: it would have to wait (`BlockingIOError`), or the peer is gone.
        """

    def flush(self) -> None:
        """Send what was taken before.

        :raises OSError: it would have to wait (`BlockingIOError`), or the peer is gone.
        """

    def say_goodbye(self) -> None:
        """Say that nothing follows; the peer's word is not waited for."""

    @property
    def unsent(self) -> int:
        """Bytes that were taken and not sent yet."""

    @property
    def has_more(self) -> bool:
        """Whether `recv` has something of which the socket no longer tells."""


class PlainLink:
    """Bytes as they are."""

    unsent = 0
    has_more = False

    def __init__(self, plug: socket.socket) -> None:
        self._plug = plug

    def shake_hands(self) -> None:
        """See `Link`."""

    def recv(self) -> bytes:
        """See `Link`."""
        return self._plug.recv(READ_BYTES)

    def send(self, data: memoryview) -> int:
        """See `Link`."""
        return _send(self._plug, data[:_PLAIN_PIECE])

    def flush(self) -> None:
        """See `Link`."""

    def say_goodbye(self) -> None:
        """See `Link`."""


class TlsLink:
    """Bytes through TLS, from the handshake on."""

    def __init__(self, plug: socket.socket, wrap: Wrap) -> None:
        self._plug = plug
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = wrap(self._coming, self._going)
        self._raw = bytearray()
        """What has come and OpenSSL has not: no more than the largest record."""
        self._out = memoryview(b"")
        self._fed = 0
        """Bytes of the record that OpenSSL had last."""
        self._barren = 0
        self._fruitful = 0
        self._is_over = False

    def shake_hands(self) -> None:
        """See `Link`."""
        self.flush()
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._count_barren()
            finally:
                # Whatever became of it: the peer is told, as far as it listens.
                self._try_to_flush()
            while not self._feed():
                if not self._fill():
                    raise ConnectionResetError("closed within the handshake")

    def recv(self) -> bytes:
        """See `Link`."""
        self.flush()
        if self._is_over:
            return b""
        pieces: list[bytes] = []
        size = 0
        while size < READ_BYTES and len(pieces) < _RECORDS:
            if not self._feed():
                if pieces:
                    break
                if not self._fill():
                    return b""
                continue
            data = self._read()
            if data is None:
                self._count_barren()
                continue
            if not data:
                self._is_over = True
                break
            pieces.append(data)
            size += len(data)
            self._fruitful += len(data)
        return b"".join(pieces)

    def send(self, data: memoryview) -> int:
        """See `Link`."""
        self.flush()
        size = self._tls.write(data[:_SECRET_PIECE])
        self._try_to_flush()
        return size

    def flush(self) -> None:
        """See `Link`."""
        while self.unsent:
            if not self._out:
                self._out = memoryview(self._going.read(_SECRET_PIECE))
            self._out = self._out[_send(self._plug, self._out) :]

    def say_goodbye(self) -> None:
        """See `Link`."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        self._try_to_flush()

    @property
    def unsent(self) -> int:
        """See `Link`."""
        return len(self._out) + self._going.pending

    @property
    def has_more(self) -> bool:
        """See `Link`."""
        return self._is_over or self._whole() is not None

    def _read(self) -> bytes | None:
        """Return the data of the record that OpenSSL has; None if it has none, nothing if
        the peer sends no more."""
        try:
            return self._tls.read(_RECORD_BYTES)
        except ssl.SSLWantReadError:
            return None
        finally:
            self._try_to_flush()

    def _whole(self) -> int | None:
        """Return the length of the first record; None if not all of it is here.

        :raises ssl.SSLError: it is none.
        """
        raw = self._raw
        if not raw:
            return None
        if raw[0] not in _TYPES or (len(raw) > 1 and raw[1] != 3):
            raise ssl.SSLError("no TLS")
        if len(raw) < _HEAD:
            return None
        size = int.from_bytes(raw[3:_HEAD])
        if size > _RECORD_BYTES + _EXPANSION:
            raise ssl.SSLError("a record is too long")
        return _HEAD + size if len(raw) >= _HEAD + size else None

    def _feed(self) -> bool:
        """Give OpenSSL one record; return whether there was a whole one."""
        size = self._whole()
        if size is None:
            return False
        self._coming.write(self._raw[:size])
        del self._raw[:size]
        self._fed = size
        return True

    def _fill(self) -> bool:
        """Take from the socket what there is; return whether more may follow."""
        most = _HEAD + _RECORD_BYTES + _EXPANSION
        data = self._plug.recv(most - len(self._raw))
        self._raw += data
        return bool(data)

    def _count_barren(self) -> None:
        self._barren += bool(self._fed) + self._fed // _LONG
        if self._barren > _FREE + self._fruitful // _FREE_SHARE:
            raise NothingButRecords("records without data")

    def _try_to_flush(self) -> None:
        with contextlib.suppress(OSError):
            self.flush()


def _send(plug: socket.socket, data: memoryview) -> int:
    try:
        return plug.send(data)
    except BlockingIOError as error:
        raise IsFull from error
