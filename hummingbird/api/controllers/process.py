# SPDX-License-Identifier: Apache-2.0
"""/v1/processes: our own conductors, gateways and APIs, up or down; who is gone for good is
deleted."""

from dataclasses import dataclass
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.view.process import process_view
from hummingbird.conf.conductor import down_seconds
from hummingbird.db.repository import process
from hummingbird.domain.process import Process, is_down
from hummingbird.errors import NotFound, ProcessAlive


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One process, as this API sees it."""

    process: Process
    silent_seconds: float
    is_up: bool


def list_all(call: Call) -> Any:
    """GET /v1/processes"""
    call.arguments()
    leader = leader_of(call)
    return {
        "processes": [
            process_view(
                one.process,
                silent_seconds=one.silent_seconds,
                is_up=one.is_up,
                is_leader=one.process.name == leader,
            )
            for one in look(call)
        ]
    }


def remove(call: Call) -> Any:
    """DELETE /v1/processes/{name}

    :raises ProcessAlive: it is up, or nobody has yet seen for long enough that it is not.
    """
    found = {one.process.name: one for one in look(call)}.get(call.name)
    if found is None:
        raise NotFound(kind="Process", name=call.name)
    with call.dependencies.database.writer() as connection:
        if found.is_up or not process.remove(connection, found.process):
            raise ProcessAlive(name=call.name)
    call.dependencies.hurry("alarm")
    return None


def look(call: Call) -> list[Looked]:
    """Return all processes, by kind and name."""
    has = call.dependencies
    asked_at = has.clock.monotonic()
    with has.database.reader() as connection:
        known = process.everything(connection)
    after = down_seconds(has.conf)
    return [
        Looked(
            process=one,
            silent_seconds=seconds,
            is_up=not is_down(one, silent_seconds=seconds, after_seconds=after),
        )
        for one, seconds in has.processes.silent(known, asked_at=asked_at)
    ]


def leader_of(call: Call) -> str | None:
    """Return the name of the conductor that acts for the fleet; None: none does."""
    with call.dependencies.database.snapshot() as connection:
        return process.leader(connection)
