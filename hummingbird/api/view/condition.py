# SPDX-License-Identifier: Apache-2.0
"""Conditions of a host as clients see them."""

from collections.abc import Iterable
from typing import Any

from hummingbird.api.contract.shape import TEXT, TIME, Thing, maybe, words
from hummingbird.domain.condition import TYPES, Condition, Status


def conditions(found: Iterable[Condition]) -> list[dict[str, Any]]:
    """Return the view of a host's conditions, in the order that is given."""
    return [
        {
            "type": one.type,
            "status": one.status.value,
            "reason": one.reason,
            "message": one.message,
            "since": None if one.since is None else one.since.isoformat(),
            "observer": one.observer,
        }
        for one in found
    ]


CONDITION = Thing(
    "HostCondition",
    {
        "type": words(*TYPES),
        "status": words(*Status),
        "reason": TEXT,
        "message": TEXT,
        "since": maybe(TIME),
        "observer": TEXT,
    },
)
