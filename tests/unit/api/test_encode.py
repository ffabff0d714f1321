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
