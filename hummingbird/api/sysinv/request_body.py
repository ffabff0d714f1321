# SPDX-License-Identifier: Apache-2.0
"""A request's body, passed on piece by piece: it may be larger than what is held."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from hummingbird.errors import BadRequest

PIECE_BYTES: Final = 64 * 1024


class Stream(Protocol):
    """What bodies are read from."""

    def read(self, size: int, /) -> bytes: ...


def pieces(environ: dict[str, Any]) -> Iterator[bytes] | None:
    """Return the request's body, piece by piece, or None if it has none.

    :raises BadRequest: (while it is read) the client ends before it is over.
    """
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return _until_the_end(stream)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return _of_length(stream, length) if length > 0 else None


def _until_the_end(stream: Stream) -> Iterator[bytes]:
    while piece := _read(stream, PIECE_BYTES):
        yield piece


def _of_length(stream: Stream, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = _read(stream, min(PIECE_BYTES, length))
        if not piece:
            raise _broken()
        length -= len(piece)
        yield piece


def _read(stream: Stream, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise _broken() from error


def _broken() -> BadRequest:
    return BadRequest(message="The request's body broke off, or is not in chunks.")
