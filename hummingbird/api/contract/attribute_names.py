# SPDX-License-Identifier: Apache-2.0
"""The names that mean something in what clients send."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from hummingbird.api.contract.openapi import document
from hummingbird.api.contract.operation_table import OPERATIONS

_BESIDE: Final = frozenset(
    {
        *("op", "path", "value", "from"),  # of a JSON patch
        *("bm_password", "credential", "forget_host_key", "host_key", "underlay"),
    }
)
"""What a patch may have, and the attributes of a host that only a patch may."""


@cache
def attribute_names() -> frozenset[str]:
    """Return the names of all attributes that any operation takes or gives."""
    return _BESIDE.union(_properties(document(OPERATIONS, ())))


def _properties(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        properties = part.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for inner in part.values():
            yield from _properties(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _properties(inner)
