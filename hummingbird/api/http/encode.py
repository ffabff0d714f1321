# SPDX-License-Identifier: Apache-2.0
"""Turns an answer into JSON text: the only user of orjson, which takes a tenth of the time
that the standard library takes for a list of hosts (doc/decisions)."""

import json
from typing import Any

import orjson


def encode(content: Any) -> bytes:
    """Return `content` as JSON, in UTF-8 and without blanks."""
    try:
        return orjson.dumps(content)
    except TypeError:
        # It holds what orjson refuses though JSON knows it: a number of more than 64
        # bits, which an agent may have reported.
        return json.dumps(content, separators=(",", ":")).encode()
