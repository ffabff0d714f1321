# SPDX-License-Identifier: Apache-2.0
"""A request's body that may be larger than the memory it is given.

The server's own reader of a body in chunks holds each chunk whole, and how large a chunk
is says the client. Here no more than a piece is held at one time.
"""

import io
import re
from collections.abc import Iterator
from typing import Any, Final, Protocol

from hummingbird.errors import BadRequest

PIECE_BYTES: Final = 64 * 1024
_LINE_BYTES: Final = 4096
_TRAILERS: Final = 64
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")


class Stream(Protocol):
    """What bodies are read from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class Chunked:
    """Reads a body that is sent in chunks (RFC 9112, 7.1)."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = 0
        self._is_over = False

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none when the body is over.

        :raises BadRequest: it is not in chunks, or breaks off.
        """
        pieces = io.BytesIO()
        while size > pieces.tell() and not self._is_over:
            if self._left == 0:
                self._next()
                continue
            piece = self._stream.read(min(size - pieces.tell(), self._left))
            if not piece:
                raise _broken()
            self._left -= len(piece)
            pieces.write(piece)
            if self._left == 0 and self._stream.readline(_LINE_BYTES) != b"\r\n":
                raise _broken()
        return pieces.getvalue()

    def _next(self) -> None:
        line = self._stream.readline(_LINE_BYTES)
        digits = line.partition(b";")[0].strip()
        if not line.endswith(b"\r\n") or not _SIZE.fullmatch(digits):
            raise _broken()
        self._left = int(digits, 16)
        if self._left == 0:
            self._skip_trailers()
            self._is_over = True

    def _skip_trailers(self) -> None:
        for _ in range(_TRAILERS):
            line = self._stream.readline(_LINE_BYTES)
            if line == b"\r\n":
                return
            if not line.endswith(b"\r\n"):
                break
        raise _broken()


def pieces(environ: dict[str, Any]) -> Iterator[bytes] | None:
    """Return the request's body, piece by piece, or None if it has none.

    :raises BadRequest: (while it is read) the client ends before it is over.
    """
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return _until_the_end(stream)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return _of_length(stream, length) if length > 0 else None


def skip(environ: dict[str, Any]) -> None:
    """Read what is left of a body and forget it. The server would read it in one."""
    try:
        for _ in _until_the_end(environ["wsgi.input"]):
            pass
    except BadRequest:
        return


def _until_the_end(stream: Stream) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _of_length(stream: Stream, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = stream.read(min(PIECE_BYTES, length))
        if not piece:
            raise _broken()
        length -= len(piece)
        yield piece


def _broken() -> BadRequest:
    return BadRequest(message="The request's body broke off, or is not in chunks.")
