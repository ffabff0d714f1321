# SPDX-License-Identifier: Apache-2.0
"""Traces as clients see them."""

from typing import Any

from hummingbird.api.contract.shape import TEXT, TIME, Thing, many, maybe, words
from hummingbird.db.repository.trace import StoredTrace
from hummingbird.domain.finding import Finding
from hummingbird.domain.trace import StepState


def trace_view(trace: StoredTrace, *, hostname: str) -> dict[str, Any]:
    """Return the view of a trace; its findings are null until it is done."""
    body = trace.body
    return {
        "hostname": hostname,
        "requested_at": trace.requested_at.isoformat(),
        "done_at": None if trace.done_at is None else trace.done_at.isoformat(),
        "finding": body.get("finding"),
        "sentence": body.get("sentence"),
        "repair": body.get("repair"),
        "steps": body.get("steps", []),
    }


STEP = Thing("TraceStep", {"name": TEXT, "state": words(*StepState), "detail": TEXT})
TRACE = Thing(
    "Trace",
    {
        "hostname": TEXT,
        "requested_at": TIME,
        "done_at": maybe(TIME),
        "finding": maybe(words(*Finding)),
        "sentence": maybe(TEXT),
        "repair": maybe(TEXT),
        "steps": many(STEP),
    },
)
