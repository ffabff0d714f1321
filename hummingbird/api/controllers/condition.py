# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/conditions: what is known of a host, who saw it, and since when."""

from collections.abc import Iterable
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.view.condition import conditions
from hummingbird.db.repository import condition, hearing, host, neighbour_condition
from hummingbird.db.session import Connection
from hummingbird.domain.condition import KUBERNETES, Condition, shown
from hummingbird.domain.host import Host


def list_of_host(call: Call) -> Any:
    """GET /v1/ihosts/{host}/conditions"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        stored = condition.of_host(connection, found.id)
        return {"conditions": conditions(_all(connection, found, stored))}


def conditions_of(connection: Connection, found: Host) -> list[Condition] | None:
    """Return all conditions of a host, in order; None: nothing was ever seen of it, so that
    it looks as a real sysinv's, which has no such key."""
    stored = condition.of_host(connection, found.id)
    return _all(connection, found, stored) if stored else None


def _all(
    connection: Connection, found: Host, stored: Iterable[Condition]
) -> list[Condition]:
    is_anybody_listening = hearing.read(connection).is_anybody_listening()
    return shown(
        found,
        stored,
        kubernetes=neighbour_condition.find(connection, KUBERNETES),
        deaf="" if is_anybody_listening else "no gateway is listening",
    )
