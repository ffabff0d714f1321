# SPDX-License-Identifier: Apache-2.0
"""A host's board is named by options, its password comes from stdin."""

import io

import pytest

from tests.unit.cli.conftest import Run, Server

HOST = {
    "hostname": "edge-0",
    "bm_type": "redfish",
    "bm_ip": "10.9.0.7",
    "bm_username": "admin",
    "uptime": 0,
}


def test_a_boards_password_goes_in_by_stdin(
    hummingbird: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("PATCH", "/v1/ihosts/edge-0", HOST)
    monkeypatch.setattr("sys.stdin", io.StringIO("its own word\n"))
    words = ("host-board-set", "edge-0", "redfish")
    done = hummingbird(*words, "--address", "10.9.0.7", "--user", "admin")
    assert (done.status, done.err) == (0, "")
    assert server.asked[0].body == [
        {"op": "replace", "path": "/bm_type", "value": "redfish"},
        {"op": "replace", "path": "/bm_ip", "value": "10.9.0.7"},
        {"op": "replace", "path": "/bm_username", "value": "admin"},
        {"op": "replace", "path": "/bm_password", "value": "its own word"},
    ]
    assert "own word" not in done.out
    assert "uptime" not in done.out


def test_a_board_is_forgotten_without_a_password(
    hummingbird: Run, server: Server
) -> None:
    server.on("PATCH", "/v1/ihosts/edge-0", {**HOST, "bm_type": "none"})
    assert hummingbird("host-board-set", "edge-0", "none").status == 0
    assert server.asked[0].body == [
        {"op": "replace", "path": "/bm_type", "value": "none"}
    ]


def test_half_a_board_asks_nobody(hummingbird: Run, server: Server) -> None:
    done = hummingbird("host-board-set", "edge-0", "ipmi", "--user", "admin")
    assert done.status == 1
    assert "--address" in done.err
    assert server.asked == []
