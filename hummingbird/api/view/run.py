# SPDX-License-Identifier: Apache-2.0
"""Runs and their events as clients see them."""

from datetime import datetime
from typing import Any

from hummingbird.api.contract.shape import (
    DECIMAL,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
    words,
)
from hummingbird.domain.run import Run, RunEvent, RunKind, RunState


def run_view(run: Run) -> dict[str, Any]:
    """Return the view of a run; times in ISO 8601."""
    return {
        "id": run.id,
        "uuid": run.uuid,
        "host_uuid": run.host_uuid,
        "hostname": run.hostname,
        "kind": run.kind.value,
        "state": run.state.value,
        "requested_by": run.requested_by,
        "rung": run.rung,
        "attempt": run.attempt,
        "owner": run.owner,
        "current_step": run.current_step,
        "changed": run.changed,
        "error_code": run.error_code,
        "error": run.error,
        "cancel_requested": run.cancel_requested,
        "queued_at": _time(run.queued_at),
        "started_at": _time(run.started_at),
        "ended_at": _time(run.ended_at),
    }


def run_event_view(event: RunEvent) -> dict[str, Any]:
    """Return the view of one event of a run."""
    return {
        "id": event.id,
        "at": _time(event.at),
        "step": event.step,
        "state": event.state,
        "task": event.task,
        "message": event.message,
        "duration_seconds": event.duration_seconds,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


RUN = Thing(
    "Run",
    {
        "id": NUMBER,
        "uuid": UUID,
        "host_uuid": UUID,
        "hostname": TEXT,
        "kind": words(*RunKind),
        "state": words(*RunState),
        "requested_by": TEXT,
        "rung": maybe(TEXT),
        "attempt": NUMBER,
        "owner": maybe(TEXT),
        "current_step": maybe(TEXT),
        "changed": maybe(NUMBER),
        "error_code": maybe(TEXT),
        "error": maybe(TEXT),
        "cancel_requested": FLAG,
        "queued_at": TIME,
        "started_at": maybe(TIME),
        "ended_at": maybe(TIME),
    },
)
RUN_EVENT = Thing(
    "RunEvent",
    {
        "id": NUMBER,
        "at": TIME,
        "step": maybe(TEXT),
        "state": TEXT,
        "task": maybe(TEXT),
        "message": maybe(TEXT),
        "duration_seconds": maybe(DECIMAL),
    },
)
