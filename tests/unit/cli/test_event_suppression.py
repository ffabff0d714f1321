# SPDX-License-Identifier: Apache-2.0
"""Suppressing alarm ids from the command line."""

from tests.unit.cli.conftest import Run, Server

_ROWS = [
    {"alarm_id": name, "uuid": f"u-{name}", "suppression_status": status}
    for name, status in (("200.001", "unsuppressed"), ("200.005", "suppressed"))
]


def _changes(server: Server) -> list[tuple[str, object]]:
    return [(a.path, a.body) for a in server.asked if a.method == "PATCH"]


def test_each_named_id_is_changed(server: Server, hummingbird: Run) -> None:
    server.on("GET", "/v1/event_suppression", {"event_suppression": _ROWS})
    for name in ("200.001", "200.005"):
        server.on("PATCH", f"/v1/event_suppression/u-{name}", {})
    done = hummingbird("event-suppress", "200.001", "200.005")
    assert (done.status, done.out) == (0, "200.001: suppressed\n200.005: suppressed\n")
    change = {"op": "replace", "path": "/suppression_status", "value": "suppressed"}
    assert _changes(server) == [
        ("/v1/event_suppression/u-200.001", [change]),
        ("/v1/event_suppression/u-200.005", [change]),
    ]
    assert hummingbird("event-unsuppress", "200.005").out == "200.005: unsuppressed\n"


def test_an_unknown_id_changes_nothing(server: Server, hummingbird: Run) -> None:
    server.on("GET", "/v1/event_suppression", {"event_suppression": _ROWS})
    done = hummingbird("event-suppress", "200.001", "9.9")
    assert done.status == 1
    assert "There is no alarm 9.9" in done.err
    assert not _changes(server)


def test_the_list_has_what_is_suppressed(server: Server, hummingbird: Run) -> None:
    server.on("GET", "/v1/event_suppression", {"event_suppression": _ROWS})
    listed = hummingbird("event-suppress-list").out
    assert "200.005" in listed and "200.001" not in listed
    assert "200.001" in hummingbird("event-suppress-list", "--all").out
