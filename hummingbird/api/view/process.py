# SPDX-License-Identifier: Apache-2.0
"""Our processes as clients see them."""

from typing import Any, Final

from hummingbird.api.contract.shape import (
    DECIMAL,
    FLAG,
    TEXT,
    TIME,
    Thing,
    maybe,
    words,
)
from hummingbird.domain.process import KINDS, Process

UP: Final = "up"
DOWN: Final = "down"


def process_view(
    one: Process, *, silent_seconds: float, is_up: bool, is_leader: bool
) -> dict[str, Any]:
    """Return the view of a process.

    :param silent_seconds: for how long at least the API that answers has seen no sign of it,
        by its own clock.
    :param is_leader: whether it is the conductor that acts for the whole fleet.
    """
    return {
        "name": one.name,
        "binary": one.binary,
        "host": one.controller,
        "state": UP if is_up else DOWN,
        "leader": is_leader,
        "silent_seconds": round(silent_seconds, 1),
        "version": one.version,
        "started_at": one.started_at.isoformat(),
        "beat_at": one.beat_at.isoformat(),
        "down_since": None if one.down_since is None else one.down_since.isoformat(),
        "observer": one.down_observer,
    }


PROCESS = Thing(
    "Process",
    {
        "name": TEXT,
        "binary": words(*(f"hummingbird-{kind}" for kind in KINDS)),
        "host": TEXT,
        "state": words(UP, DOWN),
        "leader": FLAG,
        "silent_seconds": DECIMAL,
        "version": maybe(TEXT),
        "started_at": TIME,
        "beat_at": TIME,
        "down_since": maybe(TIME),
        "observer": maybe(TEXT),
    },
)
