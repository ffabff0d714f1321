# SPDX-License-Identifier: Apache-2.0
"""Runs and their events as clients see them."""

from datetime import datetime
from typing import Any

from hummingbird.domain.run import Run, RunEvent


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
