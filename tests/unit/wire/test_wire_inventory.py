# SPDX-License-Identifier: Apache-2.0
"""What crosses of an inventory: one notation, one hash, and nothing of another shape."""

import json
from typing import Any

import pytest

from hummingbird.wire import inventory
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.inventory import Taken
from tests.fakes.inventory import delta, full

SECTIONS: dict[str, Any] = {
    "system": {"hostname": "edge-0"},
    "icpus": [{"cpu": 0, "core": 1}],
    "imemories": [],
    "idisks": [],
    "ports": [],
}


def test_equal_inventories_have_equal_hashes_whatever_their_order() -> None:
    other = dict(reversed(SECTIONS.items()))
    assert inventory.hash_of(SECTIONS) == inventory.hash_of(other)
    changed = {**SECTIONS, "icpus": [{"cpu": 0, "core": 2}]}
    assert inventory.hash_of(SECTIONS) != inventory.hash_of(changed)
    renamed = {**{k: v for k, v in SECTIONS.items() if k != "ports"}, "idisks2": []}
    assert inventory.hash_of(SECTIONS) != inventory.hash_of(renamed)


def test_the_hash_of_a_whole_is_that_of_its_parts() -> None:
    hashes = {n: inventory.section_hash(part) for n, part in SECTIONS.items()}
    assert inventory.content_hash(hashes) == inventory.hash_of(SECTIONS)


def test_a_change_is_what_was_encoded() -> None:
    for change in (full(SECTIONS), delta(SECTIONS, {"ports": [{"pname": "eth0"}]})):
        assert inventory.decode(inventory.encode(change)) == change


def test_an_answer_is_what_was_encoded() -> None:
    taken = Taken(stream="a", sequence=3, hash="h")
    assert inventory.decode_taken(inventory.encode_taken(taken)) == taken
    with pytest.raises(MessageInvalid):
        inventory.decode_taken(b'{"stream": "a", "sequence": "3", "hash": "h"}')


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": 1},
        {"kind": "part"},
        {"kind": "delta"},
        {"base": "0" * 64},
        {"hash": "x"},
        {"stream": ""},
        {"stream": "a b"},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": 2**63},
        {"seen_at": -1},
        {"sent_at": 1.5},
        {"sections": {}},
        {"sections": []},
        {"sections": {"ports": []}},
        {"sections": {"system": []}},
        {"sections": {"system": {}, "Ports": []}},
        {"sections": {"system": {}, "ports": {}}},
        {"sections": {"system": {}, "ports": [1]}},
        {"sections": {"system": {}} | {f"s{n}": [] for n in range(64)}},
    ],
    ids=str,
)
def test_a_change_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageInvalid):
        inventory.decode(json.dumps(dict(full(SECTIONS)) | wrong).encode())


@pytest.mark.parametrize("wrong", [b"[]", b"{", b'{"schema": NaN}', b"[" * 10**5])
def test_what_is_no_object_is_refused(wrong: bytes) -> None:
    with pytest.raises(MessageInvalid):
        inventory.decode(wrong)


def test_a_report_of_version_1_is_its_sections() -> None:
    report = {"schema": 1, **SECTIONS}
    assert inventory.decode_report(json.dumps(report).encode()) == SECTIONS


@pytest.mark.parametrize(
    "wrong",
    [{"schema": 2}, {"system": []}, {"icpus": {}}, {"ports": [1]}, {"idisks": None}],
)
def test_a_report_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageInvalid):
        inventory.decode_report(json.dumps({"schema": 1, **SECTIONS, **wrong}).encode())
