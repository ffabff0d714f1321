# SPDX-License-Identifier: Apache-2.0
"""What a host or a client says is stored without what a terminal obeys, since others than
our own command line show it: StarlingX's `system` and `fm`, Horizon, a real FM, kubectl."""

import json
from typing import Any

import pytest
from sqlalchemy import JSON, String

from hummingbird.api.routes import ROUTES
from hummingbird.db import model
from hummingbird.db.repository import board, event_log, facts, trace
from hummingbird.db.repository import run as runs
from hummingbird.db.table import METADATA, PlainJson, PlainString, PlainText
from hummingbird.domain.alarm import host_log
from hummingbird.domain.run import RunState
from hummingbird.errors import HostUnreachable
from hummingbird.printable import is_plain
from tests.attack.poison import POISON, texts
from tests.fakes.inventory import delta, full
from tests.functional.api.conftest import World
from tests.functional.api.test_facts import REPORT

HAVE_LINES = ("/v1/runs", "/v1/health", "/v1/ihosts/bulk_export", "/v1/openapi.json")
PLAIN_KINDS = (PlainString, PlainText, PlainJson)


def poison_all(content: Any) -> Any:
    """Return JSON content with poison behind each text."""
    if isinstance(content, str):
        return content + POISON
    if isinstance(content, dict):
        return {name: poison_all(part) for name, part in content.items()}
    if isinstance(content, list):
        return [poison_all(part) for part in content]
    return content


def test_no_column_takes_text_as_it_comes() -> None:
    assert model
    for table in METADATA.tables.values():
        for column in table.columns:
            kind = column.type
            impl = getattr(kind, "impl_instance", kind)
            if isinstance(impl, String | JSON):
                assert isinstance(kind, PLAIN_KINDS), f"{table.name}.{column.name}"


def _poison(world: World) -> None:
    """Have a host say poison wherever a host says something."""
    world.add_ready()
    world.enable()
    host, now = world.host(), world.clock.now()
    said = poison_all(REPORT)
    with world.database.writer() as connection:
        facts.take(
            connection, host_id=host.id, change=full(said), now=now, history_most=99
        )
        trace.ask(connection, host.id, now=now)
        (asked,) = trace.pending(connection)
        body = {
            "finding": "login_refused",
            "sentence": POISON,
            "repair": POISON,
            "steps": [{"name": "login", "state": "broken", "detail": POISON}],
        }
        trace.finish(connection, asked, body, now=now)
        run = runs.list_all(connection, hostname="edge-0")[0]
        runs.add_event(
            connection,
            run.id,
            at=now,
            step="connect",
            state="failed",
            message=POISON,
            task=POISON,
        )
        error = HostUnreachable(hostname="edge-0", address="x", message=POISON)
        runs.finish(
            connection,
            run,
            state=RunState.FAILED,
            now=now,
            error_code=error.code,
            error=str(error),
        )
        board.note_away(connection, host.id, reason=POISON, now=now)
        line = host_log("200.022", "edge-0", instance="x=y", text=POISON)
        event_log.append(connection, line, now=now)
    world.change("edge-0", task=POISON, kubelet_version=POISON[:20])


def test_whatever_answers_have_of_a_host_is_plain(world: World) -> None:
    _poison(world)
    host = world.client.get("/v1/ihosts/edge-0").json
    seen = set()
    for method, route, _ in ROUTES:
        if method != "GET":
            continue
        path = route.replace("{host}", "edge-0").replace("{run}", "edge-0")
        path = path.replace("{system}", host["isystem_uuid"])
        if "{collection}" in path or "{" in path:
            continue
        answer = world.client.get(path)
        if answer.status != 200:
            continue
        for text in texts(answer.json):
            # Lines are in a run's messages, which we alone show, and in documents.
            is_message = route.startswith(HAVE_LINES)
            shown = text.replace("\n", "").replace("\t", "") if is_message else text
            assert is_plain(shown), (route, text)
            if "owned" in text:
                seen.add(route)
    assert {"/v1/runs/{run}/events", "/v1/ihosts/{host}/trace"} <= seen
    assert {"/v1/ihosts/{host}/facts", "/v1/ihosts", "/v1/event_log"} <= seen


@pytest.mark.parametrize(
    "collection", ["icpus", "imemorys", "idisks", "ports", "inodes"]
)
def test_so_is_each_item_of_its_inventory(world: World, collection: str) -> None:
    _poison(world)
    items = world.client.get(f"/v1/ihosts/edge-0/{collection}").json[collection]
    assert items
    assert all(is_plain(text) for text in texts(items))


def test_history_tells_what_changed_and_not_how_it_is_stored(world: World) -> None:
    host = world.add("edge-0")
    said = poison_all(REPORT)
    later = {"ports": [*said["ports"], {"pname": f"eth1{POISON}", "mtu": 1500}]}
    changes = (full(said), delta(said, later))
    for change in changes:
        with world.database.writer() as connection:
            facts.take(
                connection,
                host_id=host["id"],
                change=change,
                now=world.clock.now(),
                history_most=99,
            )
        world.clock.advance(9)
    (row,) = world.client.get("/v1/ihosts/edge-0/history").json["history"]
    assert row["item"].startswith("eth1")
    assert row["item"].isprintable()
    assert row["from"] is None


def test_the_hash_of_an_inventory_is_of_what_the_host_said(world: World) -> None:
    """Else a host with an odd serial would tell all of it again and again."""
    host = world.add("edge-0")
    said = poison_all(REPORT)
    with world.database.writer() as connection:
        taken = facts.take(
            connection,
            host_id=host["id"],
            change=full(said),
            now=world.clock.now(),
            history_most=99,
        )
    assert taken.hash == full(said)["hash"]


@pytest.mark.parametrize(
    "character", ["\x1b", "\x9b", "\x7f", "\u202e", "\n", "\u2028"]
)
@pytest.mark.parametrize("name", ["serialid", "location", "console", "capabilities"])
def test_a_client_stores_no_such_text_either(
    world: World, name: str, character: str
) -> None:
    before = world.add("edge-0", location="Straße 7 – 日本")
    value: Any = f"a{character}b"
    if name in ("location", "capabilities"):
        value = {"locn": value}
    refused = world.client.update("edge-0", **{name: value})
    assert refused.status == 400
    assert "control characters" in refused.sentence
    assert is_plain(refused.sentence)
    assert world.client.get("/v1/ihosts/edge-0").json == before


def test_the_texts_of_an_alarm_are_one_line(world: World) -> None:
    alarm = {
        "alarm_id": "100.101",
        "alarm_state": "set",
        "entity_instance_id": "host=edge-0",
        "severity": "major",
        "alarm_type": "operational-violation",
        "probable_cause": "threshold-crossed",
        "reason_text": "one\r\n\ttwo",
        "proposed_repair_action": "one\ntwo",
    }
    assert world.client.post("/v1/alarms", alarm).status == 200
    (one,) = world.client.get("/v1/alarms").json["alarms"]
    shown = world.client.get(f"/v1/alarms/{one['uuid']}").json
    assert shown["reason_text"] == "one two"
    assert shown["proposed_repair_action"] == "one two"
    refused = world.client.post("/v1/alarms", {**alarm, "reason_text": "\x1b[2J"})
    assert refused.status == 400


def test_a_refused_password_is_not_repeated(world: World) -> None:
    world.add("edge-0")
    secret = "canary" * 60
    for answer in (
        world.client.update("edge-0", bm_password=secret),
        world.client.update("edge-0", bm_password=["canary"]),
        world.client.post("/v1/ihosts", {"hostname": "e", "bm_password": secret}),
        world.client.post(
            "/v1/credentials", {"name": "x", "user": "y", "password": secret * 9}
        ),
    ):
        assert answer.status == 400
        assert b"canary" not in answer.body


def test_what_is_told_to_a_real_fm_is_plain(world: World) -> None:
    """It is made of what is stored, and of sentences of ours."""
    _poison(world)
    with world.database.reader() as connection:
        lines = event_log.list_latest(connection, limit=99)
    for one in lines:
        assert is_plain(json.dumps(vars(one.event), default=str, ensure_ascii=False))
