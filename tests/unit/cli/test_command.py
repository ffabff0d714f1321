# SPDX-License-Identifier: Apache-2.0
"""A table is for reading."""

from typing import Any

import pytest

from hummingbird.cli.command import readable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, 0),
        (False, False),
        ("edge-0", "edge-0"),
        ("2026-11-24T03:07:48.662813+00:00", "2026-11-24 03:07:48Z"),
        ("2026-11-24T03:07:48+00:00", "2026-11-24 03:07:48Z"),
        ("since 2026-11-24T03:07:48+00:00", "since 2026-11-24T03:07:48+00:00"),
        (["a", "b"], "a, b"),
        ([], ""),
        ({"locn": "Ulm"}, "locn Ulm"),
        ([["a", "b"], ["c", "d"]], "a, b\nc, d"),
        ([{"core": 0}, {"core": 1, "thread": None}], "core 0\ncore 1, thread "),
    ],
)
def test_a_cell_is_plain_words(value: Any, shown: Any) -> None:
    assert readable(value) == shown
