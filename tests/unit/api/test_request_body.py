# SPDX-License-Identifier: Apache-2.0
"""Bodies in chunks: read whole, held in pieces, refused where they are none."""

import io

import pytest

from hummingbird.api.sysinv.request_body import Chunked, pieces
from hummingbird.errors import BadRequest


def _read(raw: bytes, *, size: int = 4) -> bytes:
    chunked = Chunked(io.BytesIO(raw))
    return b"".join(iter(lambda: chunked.read(size), b""))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_a_body_in_chunks_is_read_to_its_end_and_no_further(size: int) -> None:
    stream = io.BytesIO(
        b"5\r\nhello\r\n3;a=b\r\n wo\r\n0\r\nTrailer: x\r\n\r\nGET /next"
    )
    chunked = Chunked(stream)
    assert b"".join(iter(lambda: chunked.read(size), b"")) == b"hello wo"
    assert chunked.read(size) == b""
    assert stream.read() == b"GET /next"


def test_of_a_chunk_no_more_is_held_than_was_asked_for() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1, /) -> bytes:
            self.asked = max(self.asked, size)
            return b"x" * size

        def readline(self, size: int | None = -1, /) -> bytes:
            return b"ffffffffff\r\n"

    stream = Endless()
    assert len(Chunked(stream).read(1000)) == 1000
    assert stream.asked == 1000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 5\r\nhello\r\n0\r\n\r\n",
        b"\r\n",
        b"5\nhello\n0\n\n",
        b"0\r\n",
        b"0\r\n" + b"a: b\r\n" * 100 + b"\r\n",
        b"1" * 17 + b"\r\n",
    ],
)
def test_what_is_not_in_chunks_or_breaks_off_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        _read(raw)


def test_a_body_that_is_shorter_than_it_says_is_refused() -> None:
    environ = {"wsgi.input": io.BytesIO(b"12345"), "CONTENT_LENGTH": "6"}
    read = pieces(environ)
    assert read is not None
    assert next(read) == b"12345"
    with pytest.raises(BadRequest):
        next(read)


def test_without_a_length_there_is_no_body() -> None:
    assert pieces({"wsgi.input": io.BytesIO(b"123")}) is None
