# SPDX-License-Identifier: Apache-2.0
"""/v1/runs: what is being done to hosts, and was; readable while it happens."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.page import parse_limit, parse_number
from hummingbird.api.view.run import run_event_view, run_view
from hummingbird.db.repository import host, run
from hummingbird.db.session import Connection
from hummingbird.domain.run import ENDED, Run, RunEvent, RunState
from hummingbird.errors import BadRequest, HostNotFound

MAX_WAIT_SECONDS = 30
"""Longest that a request for events is held; under every client's own patience."""

_LOOK_SECONDS = 0.25
"""Between two looks for new events: what a person watching takes for at once."""

_PAGE = 500


def list_all(call: Call) -> Any:
    """GET /v1/runs?host=&state=&limit=&before=, the latest first.

    `state` may be several, with commas; `before` is the id of the last run seen.
    """
    arguments = call.arguments("host", "state", "limit", "before")
    maximum = call.dependencies.conf.api.max_limit
    limit = parse_limit(arguments.get("limit"), maximum=maximum) or maximum or None
    before = arguments.get("before")
    with call.dependencies.database.snapshot() as connection:
        host_uuid, hostname = _of_host(connection, arguments.get("host"))
        runs = run.list_all(
            connection,
            states=_states(arguments.get("state")),
            limit=limit,
            before_id=None if before is None else parse_number("before", before),
            host_uuid=host_uuid,
            hostname=hostname,
        )
    return {"runs": [run_view(one) for one in runs]}


def get(call: Call) -> Any:
    """GET /v1/runs/{run}: by id, uuid, or a hostname (its latest)"""
    call.arguments()
    with call.dependencies.database.reader() as connection:
        return run_view(run.find(connection, call.name))


def events(call: Call) -> Any:
    """GET /v1/runs/{run}/events?after=&wait=&limit=

    With `wait`, a request that finds no event after the id `after` is held until there
    is one, the run has ended, or so many seconds have passed. When many wait already it
    is answered at once.
    """
    arguments = call.arguments("after", "wait", "limit")
    after = parse_number("after", arguments.get("after", "0"))
    limit = parse_limit(arguments.get("limit"), maximum=_PAGE) or _PAGE
    wait = parse_number("wait", arguments.get("wait", "0"))
    if not 0 <= wait <= MAX_WAIT_SECONDS:
        raise BadRequest(
            message=f"wait should be between 0 and {MAX_WAIT_SECONDS} seconds."
        )
    found, news = _look(call, call.name, after=after, limit=limit)
    if wait and not news and found.state not in ENDED:
        found, news = _wait(call, found, after=after, limit=limit, seconds=wait)
    return {
        "run": run_view(found),
        "events": [run_event_view(event) for event in news],
    }


def _look(
    call: Call, name: str, *, after: int, limit: int
) -> tuple[Run, list[RunEvent]]:
    with call.dependencies.database.snapshot() as connection:
        found = run.find(connection, name)
        return found, run.events(connection, found.id, after_id=after, limit=limit)


def _wait(
    call: Call, found: Run, *, after: int, limit: int, seconds: float
) -> tuple[Run, list[RunEvent]]:
    dependencies = call.dependencies
    news: list[RunEvent] = []
    with dependencies.waiting_room.place() as seated:
        until = dependencies.clock.monotonic() + seconds
        while seated and not news and found.state not in ENDED:
            left = until - dependencies.clock.monotonic()
            if left <= 0 or dependencies.clock.wait(
                dependencies.stopping, seconds=min(_LOOK_SECONDS, left)
            ):
                break
            found, news = _look(call, found.uuid, after=after, limit=limit)
    return found, news


def _states(given: str | None) -> list[RunState] | None:
    if not given:
        return None
    try:
        return [RunState(word) for word in given.split(",")]
    except ValueError as error:
        known = ", ".join(RunState)
        raise BadRequest(message=f"state should be one of {known}.") from error


def _of_host(
    connection: Connection, given: str | None
) -> tuple[str | None, str | None]:
    """Return a uuid, or a hostname, that the runs wanted have."""
    if not given:
        return None, None
    try:
        return host.find(connection, given).uuid, None
    except HostNotFound:
        # Runs outlive their hosts.
        return None, given.lower()
