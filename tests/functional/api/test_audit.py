# SPDX-License-Identifier: Apache-2.0
"""Whoever changes something is written down, with what he asked, but for secrets."""

import gc
import json
import logging
import stat
import weakref
from pathlib import Path
from typing import Any

import pytest

from hummingbird.api.http import app
from hummingbird.api.http.app import build
from hummingbird.api.http.audit import LINES, open_file
from hummingbird.api.http.authentication import TokenDoor
from hummingbird.api.http.call import Call
from hummingbird.context import RequestContext
from hummingbird.db.repository import audit_log
from hummingbird.db.session import Database
from hummingbird.errors import DatabaseUnavailable
from tests.functional.api.conftest import TOKEN, Client, World

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-of-key\n-----END"

EDGE_0 = {
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_mac": "52:54:00:00:00:01",
}


def entries(world: World, **query: Any) -> list[dict[str, Any]]:
    answer = world.client.request("GET", "/v1/audit_log", query=query)
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json["audit_log"]
    return found


def test_a_change_is_written_down_whole(world: World) -> None:
    world.add("edge-0", serialid="7")
    (entry,) = entries(world)
    assert entry.pop("request_id").startswith("req-")
    assert entry == {
        "id": 1,
        "at": world.clock.now().isoformat(),
        "user": "admin",
        "user_id": None,
        "project": "admin",
        "roles": ["admin"],
        "source": "127.0.0.1",
        "method": "POST",
        "path": "/v1/ihosts",
        "asked": {
            "hostname": "edge-0",
            "personality": "edgeworker",
            "mgmt_mac": "52:54:00:00:00:00",
            "serialid": "7",
        },
        "status": 200,
    }


def test_who_looks_is_not_written_down(world: World) -> None:
    world.client.get("/v1/ihosts")
    world.client.get("/v1/ihosts/none")
    assert entries(world) == []


def test_what_is_refused_is_written_down_with_its_status(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client.delete("/v1/ihosts/none")
    caller = RequestContext(
        user="kim", roles=("operator", "reader"), project="admin", user_id="4711"
    )
    with monkeypatch.context() as patch:
        patch.setattr(app, "authenticate", lambda *_: caller)
        assert world.client.post("/v1/emns", {}).status == 403
    forbidden, missing = entries(world)
    assert (missing["method"], missing["status"]) == ("DELETE", 404)
    assert (missing["path"], missing["asked"]) == ("/v1/ihosts/none", None)
    assert (forbidden["user"], forbidden["user_id"]) == ("kim", "4711")
    assert (forbidden["roles"], forbidden["status"]) == (["operator", "reader"], 403)


def test_a_stranger_can_t_fill_the_log(world: World) -> None:
    stranger = Client(world.client.application, token="wrong")
    assert stranger.post("/v1/ihosts", {}).status == 401
    assert entries(world) == []


def test_no_secret_is_written_down(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add()
    with caplog.at_level(logging.DEBUG):
        world.client.post(
            "/v1/credentials",
            {"name": "a", "user": "edge", "password": "secret-one", "private_key": KEY},
        )
        world.client.update(
            "edge-0", bm_type="redfish", bm_username="root", bm_password="secret-two"
        )
        world.client.post(
            "/v1/emns", {"name": KEY, "nested": [{"become_password": "secret-three"}]}
        )
    emn, patch, credential = entries(world)[:3]
    assert credential["asked"] == {
        "name": "a",
        "user": "edge",
        "password": "***",
        "private_key": "***",
    }
    assert patch["asked"][1]["value"] == "root"
    assert patch["asked"][2] == {
        "op": "replace",
        "path": "/bm_password",
        "value": "***",
    }
    assert emn["asked"] == {"name": "***", "***": "***"}
    with world.database.reader() as connection:
        rows = str(audit_log.list_latest(connection, limit=9))
    for text in (rows, caplog.text):
        assert "secret-" not in text


SECRET = "k'\"\\\\ %@/one"
MISPLACED: tuple[tuple[str, object], ...] = (
    ("/v1/credentials", {"passwrod": SECRET}),
    ("/v1/credentials", {SECRET: SECRET}),
    ("/v1/credentials", {"become": {"pw": [SECRET]}}),
    ("/v1/credentials", [[SECRET]]),
    ("/v1/credentials", SECRET),
    ("/v1/ihosts/edge-0", [{"op": "add", "path": "/bm_passwrod", "value": SECRET}]),
    ("/v1/ihosts/edge-0", [{"op": "add", "path": "/bm_password/", "value": SECRET}]),
    ("/v1/ihosts/edge-0", [{"op": "add", "path": f"/{SECRET}", "value": SECRET}]),
    ("/v1/ihosts/edge-0", {"path": "/bm_password", "values": SECRET}),
    ("/v1/ihosts/edge-0", [["bm_password", SECRET]]),
)


@pytest.mark.parametrize(("path", "body"), MISPLACED)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_secret_under_a_name_that_means_nothing_is_not_written_down(
    world: World, path: str, body: object
) -> None:
    world.add()
    method = "POST" if path.endswith("credentials") else "PATCH"
    text = json.dumps(body)
    assert world.client.request(method, path, body=text.encode()).status == 400
    entry = entries(world)[0]
    assert entry["status"] == 400
    assert json.dumps(SECRET)[1:-1] not in json.dumps(entry)


def test_of_what_is_refused_the_names_that_mean_something_are_kept(
    world: World,
) -> None:
    body = {"hostname": "a b", "personality": "edgeworker", "bm_password": "x"}
    assert world.client.post("/v1/ihosts", body).status == 400
    assert entries(world)[0]["asked"] == {**body, "bm_password": "***"}


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"name": "' + b"y" * 5000 + b'"}', b"[" * 50_000]
)
def test_what_is_no_json_or_too_long_is_described_by_its_length(
    world: World, body: bytes
) -> None:
    world.client.request("POST", "/v1/ihosts", body=body)
    (entry,) = entries(world)
    assert (entry["asked"], entry["status"]) == ({"bytes": len(body)}, 400)


def test_odd_words_do_no_harm(world: World) -> None:
    world.client.request(
        "POST", "/v1/emns/ä\x00".encode().decode("latin-1"), body=b'{"a": "\\u0000"}'
    )
    world.client.request("DELETE", "/v1/ihosts/" + "x" * 5000)
    long, odd = entries(world)
    assert odd["path"] == "/v1/emns/ä"
    assert len(long["path"]) == 512


def test_the_client_is_told_by_its_address_and_a_proxy_here_is_believed(
    world: World,
) -> None:
    def source(**headers: str) -> str:
        world.client.request("DELETE", "/v1/ihosts/x", **headers)
        return str(entries(world)[0]["source"])

    assert source(REMOTE_ADDR="192.0.2.7") == "192.0.2.7"
    forwarded = {"HTTP_X_FORWARDED_FOR": "1.2.3.4, 192.0.2.8"}
    assert source(REMOTE_ADDR="127.0.0.1", **forwarded) == "192.0.2.8"
    assert source(REMOTE_ADDR="192.0.2.7", **forwarded) == "192.0.2.7"


def test_it_is_read_in_parts_and_searched(world: World) -> None:
    for number in range(5):
        world.client.delete(f"/v1/ihosts/none-{number}")
    world.client.post("/v1/emns", {})
    assert [e["id"] for e in entries(world, limit=2)] == [6, 5]
    assert [e["id"] for e in entries(world, limit=2, before=5)] == [4, 3]
    assert [e["id"] for e in entries(world, method="post")] == [6]
    assert len(entries(world, path="/v1/ihosts/none")) == 5
    assert entries(world, user="kim") == entries(world, path="%") == []
    assert world.client.get("/v1/audit_log", nonsense="1").status == 400


def test_only_an_administrator_reads_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role, status in (("reader", 403), ("configurator", 403), ("admin", 200)):
        caller = RequestContext(user="kim", roles=(role,), project="admin")
        monkeypatch.setattr(app, "authenticate", lambda *_, c=caller: c)
        assert world.client.get("/v1/audit_log").status == status


def test_no_days_means_no_rows(world: World) -> None:
    world.dependencies.conf.set_override("audit_days", 0, group="api")
    client = Client(build(world.dependencies, door=TokenDoor(TOKEN)))
    client.delete("/v1/ihosts/none")
    assert entries(world) == []


def test_each_change_is_a_line_in_a_file_of_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.log"
    world.dependencies.conf.set_override("audit_file", str(file), group="api")
    handlers = list(LINES.handlers)
    monkeypatch.setattr(LINES, "propagate", True)
    try:
        open_file(world.dependencies.conf)
        open_file(world.dependencies.conf)
        world.client.post("/v1/credentials", {"name": "a", "password": "secret-one"})
    finally:
        for handler in LINES.handlers[:]:
            LINES.removeHandler(handler)
            handler.close()
        LINES.handlers[:] = handlers
        LINES.setLevel(logging.NOTSET)
    (line,) = file.read_text().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said = json.loads(line)
    (entry,) = entries(world)
    del entry["id"]
    assert said == entry
    assert said["asked"] == {"name": "a", "password": "***"}


def test_there_is_no_change_without_its_entry(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise DatabaseUnavailable(message="disk full")

    with monkeypatch.context() as patch:
        patch.setattr(audit_log, "append", broken)
        assert world.client.post("/v1/ihosts", EDGE_0).status == 503
        assert "is not in the audit log" in caplog.text
    assert world.client.get("/v1/ihosts").json["ihosts"] == []
    assert entries(world) == []


def test_a_change_whose_answer_failed_is_there_with_that_status(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no JSON")

    with monkeypatch.context() as patch:
        patch.setattr(app, "encode", broken)
        assert world.client.post("/v1/ihosts", EDGE_0).status == 500
    assert [entry["status"] for entry in entries(world)] == [500]
    (host,) = world.client.get("/v1/ihosts").json["ihosts"]
    assert host["hostname"] == "edge-0"


def test_what_is_sent_again_under_one_key_has_an_entry_each_time(world: World) -> None:
    for _ in range(2):
        body = json.dumps(EDGE_0).encode()
        world.client.request(
            "POST", "/v1/ihosts", body=body, HTTP_IDEMPOTENCY_KEY="one"
        )
    assert [entry["status"] for entry in entries(world)] == [200, 200]


def test_entries_are_the_same_on_each_database(database: Database) -> None:
    with database.reader() as connection:
        assert audit_log.list_latest(connection, limit=1) == []


def test_nothing_of_a_request_waits_for_the_garbage_collector(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[weakref.ref[Call]] = []
    followed = app.follow

    def follow(call: Call) -> None:
        calls.append(weakref.ref(call))
        followed(call)

    monkeypatch.setattr(app, "follow", follow)
    gc.disable()
    try:
        world.add("edge-0")
        world.client.delete("/v1/ihosts/none")
        assert [call() for call in calls] == [None, None]
    finally:
        gc.enable()
