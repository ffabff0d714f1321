# SPDX-License-Identifier: Apache-2.0
"""JSON that crosses: what no database can store is refused where it is read."""

import json
import math

import pytest

from hummingbird.wire import document
from hummingbird.wire.document import MessageInvalid

DEEP: object = 1
for _ in range(document.DEPTH_MOST):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b"\xff",
        b"[" * 10**5,
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e309}',
        b'{"a": 9223372036854775808}',
        b'{"a": -9223372036854775809}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": ["\\udfff x"]}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        json.dumps({"a": DEEP}).encode(),
        json.dumps({"n" * (document.NAME_MOST + 1): 1}).encode(),
        json.dumps({"a": "x" * (document.TEXT_MOST + 1)}).encode(),
        json.dumps({"a": [0] * (document.ITEMS_MOST + 1)}).encode(),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_beyond_a_bound_is_refused(body: bytes) -> None:
    with pytest.raises(MessageInvalid):
        document.read(body)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a": 2**63 - 1, "b": -(2**63), "c": 1.5e308, "d": None, "e": True},
        {"a": [[{"b": "é€😀\t\x01"}]]},
        {"a": "x" * document.TEXT_MOST, "b": [0] * document.ITEMS_MOST},
    ],
    ids=lambda content: repr(content)[:40],
)
def test_what_is_within_the_bounds_is_read(content: dict[str, object]) -> None:
    assert document.read(json.dumps(content).encode()) == content


def test_whatever_a_host_holds_is_made_such_that_it_is_taken() -> None:
    wild = {
        "serial": "12\x0034\udce9",
        "n" * 100: "x" * 10_000,
        "sizes": [2**63, 1, math.inf, math.nan, 1.5],
        "deep": {"a": DEEP},
        "other": object(),
        "many": [0] * 10_000,
    }
    made = document.storable(wild)
    assert made["serial"] == "1234?"
    assert made["sizes"] == [1, 1.5]
    assert document.read(json.dumps(made).encode()) == made


def test_what_is_well_stays_as_it_is() -> None:
    well = {"a": [{"b": "é", "c": 1, "d": None, "e": False, "f": 0.5}]}
    assert document.storable(well) == well
