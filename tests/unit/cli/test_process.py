# SPDX-License-Identifier: Apache-2.0
"""Our own processes by the command line."""

import json

from tests.unit.cli.conftest import Run, Server

ONE = {
    "name": "controller-1.conductor",
    "binary": "hummingbird-conductor",
    "host": "controller-1",
    "state": "down",
    "leader": False,
    "silent_seconds": 75.0,
    "version": "0.1.0",
    "started_at": "2026-01-01T00:00:00+00:00",
    "beat_at": "2026-01-01T00:00:00+00:00",
    "down_since": "2026-01-01T00:01:00+00:00",
    "observer": "controller-0.conductor",
}


def test_services_are_listed(hummingbird: Run, server: Server) -> None:
    server.on("GET", "/v1/processes", {"processes": [ONE]})
    (row,) = json.loads(hummingbird("service-list", "-f", "json").out)
    assert row["state"] == "down"
    assert row["silent_seconds"] == 75.0
    assert "controller-1.conductor" in hummingbird("service-list").out


def test_one_that_is_gone_for_good_is_deleted(hummingbird: Run, server: Server) -> None:
    server.on("DELETE", "/v1/processes/controller-1.conductor", None, status=204)
    done = hummingbird("service-delete", "controller-1.conductor")
    assert done.out == "controller-1.conductor: deleted\n"
