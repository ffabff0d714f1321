# SPDX-License-Identifier: Apache-2.0
"""Bodies that are passed on in pieces, and refused where they break off."""

import io

import pytest

from hummingbird.api.sysinv.request_body import pieces
from hummingbird.errors import BadRequest


def test_a_body_that_is_shorter_than_it_says_is_refused() -> None:
    environ = {"wsgi.input": io.BytesIO(b"12345"), "CONTENT_LENGTH": "6"}
    read = pieces(environ)
    assert read is not None
    assert next(read) == b"12345"
    with pytest.raises(BadRequest):
        next(read)


def test_without_a_length_there_is_no_body() -> None:
    assert pieces({"wsgi.input": io.BytesIO(b"123")}) is None


def test_a_body_without_a_length_is_passed_on_to_its_end() -> None:
    environ = {"wsgi.input": io.BytesIO(b"x" * 70_000), "wsgi.input_terminated": True}
    read = pieces(environ)
    assert read is not None
    assert [len(piece) for piece in read] == [65536, 4464]


def test_a_body_that_breaks_off_is_the_clients_mistake() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    read = pieces({"wsgi.input": Broken(), "wsgi.input_terminated": True})
    assert read is not None
    with pytest.raises(BadRequest):
        next(read)
