# SPDX-License-Identifier: Apache-2.0
"""What is read as JSON can be stored, and be written as JSON again."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbird.wire.json_text import DEPTH_MAX, read

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
CONTENT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(CONTENT)
def test_what_is_json_is_read_as_it_was_written(content: Any) -> None:
    assert read(json.dumps(content)) == content
    assert read(json.dumps(content, ensure_ascii=False).encode()) == content


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        content = read(raw)
    except ValueError:
        return
    assert read(json.dumps(content, allow_nan=False)) == content


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("1e309", "too large"),
        ("-1e309", "too large"),
        ("18446744073709551616", "more than 64 bits"),
        ("-9223372036854775809", "more than 64 bits"),
        ("9" * 100_000, "more than 64 bits"),
        ('{"a": 1, "a": 1}', "stands twice"),
        ('{"b": {"a": 1, "\\u0061": 2}}', "stands twice"),
        ('"\\u0000"', "NUL"),
        ('{"\\u0000": 1}', "NUL"),
        ('"\\ud800"', "surrogates"),
        ("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1), "in each other"),
        ("[" * 100_000, "too deeply"),
        ("\ufeff{}", "BOM"),
        ("", "Expecting value"),
    ],
)
def test_what_cannot_be_written_again_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)


@pytest.mark.parametrize("raw", [b"\xff", "{}".encode("utf-16"), b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf_8_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="codec"):
        read(raw)


def test_the_largest_numbers_are_read() -> None:
    depth = "[" * DEPTH_MAX + "]" * DEPTH_MAX
    assert read(depth) is not None
    assert read("[18446744073709551615, -9223372036854775808]") == [2**64 - 1, -(2**63)]
    assert math.isfinite(read("1.7976931348623157e308"))
