# SPDX-License-Identifier: Apache-2.0
"""Alarm ids that nobody wants to see."""

from typing import Any

import pytest

from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import event_log, event_suppression
from hummingbird.domain.alarm import as_event, heartbeat_lost, host_locked, host_log
from hummingbird.domain.alarm_catalogue import CATALOGUE
from tests.functional.api.conftest import Answer, World


def _rows(world: World, *query: tuple[str, str]) -> list[dict[str, Any]]:
    answer = world.client.request("GET", "/v1/event_suppression", query=list(query))
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json["event_suppression"]
    return found


def _set(world: World, alarm_id: str, status: str, *, times: int = 1) -> Answer:
    (row,) = _rows(world, ("q.field", "alarm_id"), ("q.value", alarm_id))
    change = {"path": "/suppression_status", "value": status, "op": "replace"}
    return world.client.patch(f"/v1/event_suppression/{row['uuid']}", [change] * times)


def test_there_is_a_row_for_each_alarm_of_the_catalogue(world: World) -> None:
    rows = _rows(world)
    assert [row["alarm_id"] for row in rows] == sorted(CATALOGUE)
    assert {row["suppression_status"] for row in rows} == {"unsuppressed"}
    one = world.client.get(f"/v1/event_suppression/{rows[0]['uuid']}").json
    assert set(one) == {
        "id",
        "uuid",
        "alarm_id",
        "description",
        "suppression_status",
        "links",
    }
    assert one["description"] == CATALOGUE[one["alarm_id"]].description


def test_a_start_keeps_what_is_suppressed(world: World) -> None:
    assert _set(world, "200.001", "suppressed").status == 200
    before = _rows(world)
    with world.database.writer() as connection:
        event_suppression.sync(connection, CATALOGUE.values())
    assert _rows(world) == before


def test_what_is_suppressed_is_not_listed_and_not_counted(world: World) -> None:
    now = world.clock.now()
    with world.database.writer() as connection:
        for alarm in (host_locked("edge-1"), heartbeat_lost("edge-2", critical=True)):
            alarms.put(connection, alarm, now=now)
            event_log.append(connection, as_event(alarm, state="set"), now=now)
        # Logs are never hidden, whatever their id.
        log = host_log("200.005", "edge-2", instance="x=y", text="says so")
        event_log.append(connection, log, now=now)
    answer = _set(world, "200.005", "suppressed", times=3)
    assert answer.json["suppression_status"] == "suppressed"

    def ids(path: str, key: str, **query: object) -> list[tuple[str, str]]:
        listed = world.client.get(f"/v1/{path}", **query).json[path]
        return [(one[key], one["suppression_status"]) for one in listed]

    assert ids("alarms", "alarm_id") == [("200.001", "unsuppressed")]
    assert ids("alarms", "alarm_id", include_suppress=True) == [
        ("200.005", "suppressed"),
        ("200.001", "unsuppressed"),
    ]
    assert ids("event_log", "event_log_id") == [
        ("200.005", "None"),
        ("200.001", "unsuppressed"),
    ]
    assert ids("event_log", "event_log_id", include_suppress=True) == [
        ("200.005", "None"),
        ("200.005", "suppressed"),
        ("200.001", "unsuppressed"),
    ]
    assert world.client.get("/v1/alarms/summary").json["status"] == "OK"
    every = world.client.get("/v1/alarms/summary", include_suppress=True).json
    assert (every["critical"], every["status"]) == (1, "critical")
    listed = _rows(
        world,
        ("q.field", "suppression_status"),
        ("q.op", "eq"),
        ("q.type", "string"),
        ("q.value", "suppressed"),
    )
    assert [row["alarm_id"] for row in listed] == ["200.005"]
    _set(world, "200.005", "unsuppressed")
    assert len(ids("alarms", "alarm_id")) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ["suppressed"],
        [{"op": "add", "path": "/suppression_status", "value": "suppressed"}],
        [{"op": "replace", "path": "/suppression_status", "value": "hidden"}],
        [{"op": "replace", "path": "/suppression_status"}],
        [{"op": "replace", "path": "/alarm_id", "value": "1"}],
        [{"op": "replace", "path": "/nosuch", "value": "1"}],
    ],
)
def test_nothing_but_the_status_can_be_changed(world: World, body: object) -> None:
    path = f"/v1/event_suppression/{_rows(world)[0]['uuid']}"
    answer = world.client.patch(path, body)
    assert answer.status == 400
    assert isinstance(answer.json["error_message"], str)


def test_a_suppression_that_is_not_there_is_not_found(world: World) -> None:
    path = "/v1/event_suppression/11111111-2222-3333-4444-555555555555"
    change = {"path": "/suppression_status", "value": "suppressed", "op": "replace"}
    assert world.client.get(path).status == 404
    assert world.client.patch(path, [change]).status == 404
    assert world.client.get("/v1/event_suppression", limit=3).json["next"]
