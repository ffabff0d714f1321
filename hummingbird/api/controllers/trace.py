# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/trace: where the path to a host ends. Asked for, then read."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.page import parse_number
from hummingbird.api.view.trace import trace_view
from hummingbird.db.repository import host, trace
from hummingbird.db.repository.trace import StoredTrace
from hummingbird.errors import BadRequest, NotFound

MAX_WAIT_SECONDS = 30
"""Longest that a request is held; under every client's own patience."""
_LOOK_SECONDS = 0.25


def create(call: Call) -> Any:
    """POST /v1/ihosts/{host}/trace: 202, and what there is by now"""
    with call.dependencies.database.writer() as connection:
        found = host.find(connection, call.name)
        asked = trace.ask(connection, found.id, now=call.dependencies.clock.now())
    call.dependencies.hurry("trace")
    call.status = 202
    return trace_view(asked, hostname=found.hostname)


def get(call: Call) -> Any:
    """GET /v1/ihosts/{host}/trace?wait=

    With `wait`, a request for one that is not done is held until it is, or so many seconds
    have passed.

    :raises NotFound: nobody ever asked.
    """
    wait = parse_number("wait", call.arguments("wait").get("wait", "0"))
    if not 0 <= wait <= MAX_WAIT_SECONDS:
        raise BadRequest(
            message=f"wait should be between 0 and {MAX_WAIT_SECONDS} seconds."
        )
    with call.dependencies.database.reader() as connection:
        found = host.find(connection, call.name)
    known = _look(call, found.id, hostname=found.hostname)
    dependencies = call.dependencies
    with dependencies.waiting_room.place() as seated:
        until = dependencies.clock.monotonic() + wait
        while seated and known.done_at is None:
            left = until - dependencies.clock.monotonic()
            if left <= 0 or dependencies.clock.wait(
                dependencies.stopping, seconds=min(_LOOK_SECONDS, left)
            ):
                break
            known = _look(call, found.id, hostname=found.hostname)
    return trace_view(known, hostname=found.hostname)


def _look(call: Call, host_id: int, *, hostname: str) -> StoredTrace:
    with call.dependencies.database.reader() as connection:
        known = trace.of_host(connection, host_id)
    if known is None:
        raise NotFound(kind="Trace of host", name=hostname)
    return known
