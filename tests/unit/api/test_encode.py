# SPDX-License-Identifier: Apache-2.0
"""Whatever an answer holds becomes JSON that says the same."""

import json
from typing import Any

import pytest

from hummingbird.api.http.encode import encode
from hummingbird.domain.host_state import HostState


@pytest.mark.parametrize(
    "content",
    [
        {"ihosts": [], "next": None},
        ["edge-0", 1, 1.5, True, {"straße": "ü"}],
        {"serial": 2**70},
        {"state": HostState.ENABLED},
        {"words": ("one", "two")},
    ],
)
def test_an_answer_says_what_it_was_made_of(content: Any) -> None:
    assert json.loads(encode(content)) == json.loads(json.dumps(content))


@pytest.mark.parametrize("beside", [1, 2**70])
@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_is_null(number: float, beside: int) -> None:
    content = {"beside": beside, "numbers": [number, (1.5, number)]}
    assert json.loads(encode(content)) == {
        "beside": beside,
        "numbers": [None, [1.5, None]],
    }
