# SPDX-License-Identifier: Apache-2.0
"""/v1/heartbeats: who was heard, and when."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.view.heartbeat import heartbeat_view
from hummingbird.db.repository import heartbeat, host


def list_all(call: Call) -> Any:
    """GET /v1/heartbeats: a row a host, by host id"""
    call.arguments()
    now = call.dependencies.clock.now()
    with call.dependencies.database.snapshot() as connection:
        beats = heartbeat.list_all(connection)
        return {
            "heartbeats": [
                heartbeat_view(one, beats.get(one.id), now=now)
                for one in host.list_all(connection)
            ]
        }


def get(call: Call) -> Any:
    """GET /v1/heartbeats/{host}"""
    now = call.dependencies.clock.now()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        beat = heartbeat.of_host(connection, found.id)
    return heartbeat_view(found, beat, now=now)
