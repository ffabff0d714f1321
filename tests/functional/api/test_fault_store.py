# SPDX-License-Identifier: Apache-2.0
"""Alarms and events, as FM's own clients ask for them."""

import pytest

from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import event_log
from hummingbird.domain.alarm import (
    Alarm,
    as_event,
    heartbeat_lost,
    host_locked,
    host_log,
)
from tests.functional.api.conftest import World

ALARM_SHORT = {
    "uuid",
    "alarm_id",
    "entity_instance_id",
    "severity",
    "timestamp",
    "reason_text",
    "suppression_status",
    "mgmt_affecting",
    "degrade_affecting",
}
ALARM_FULL = ALARM_SHORT | {
    "alarm_state",
    "entity_type_id",
    "alarm_type",
    "probable_cause",
    "proposed_repair_action",
    "service_affecting",
    "suppression",
    "links",
    "created_at",
    "updated_at",
}
EVENT_SHORT = {
    "uuid",
    "event_log_id",
    "state",
    "entity_instance_id",
    "timestamp",
    "severity",
    "reason_text",
    "suppression_status",
}
EVENT_FULL = EVENT_SHORT | {
    "entity_type_id",
    "event_log_type",
    "probable_cause",
    "proposed_repair_action",
    "service_affecting",
    "suppression",
}


def _raise(world: World, *wanted: Alarm) -> None:
    with world.database.writer() as connection:
        for alarm in wanted:
            alarms.put(connection, alarm, now=world.clock.now())
            event_log.append(
                connection, as_event(alarm, state="set"), now=world.clock.now()
            )
            world.clock.advance(60)


def _three(world: World) -> None:
    _raise(
        world,
        host_locked("edge-1"),
        heartbeat_lost("edge-2", critical=False),
        heartbeat_lost("edge-3", critical=True),
    )


def _entities(world: World, *query: tuple[str, str]) -> list[str]:
    answer = world.client.request("GET", "/v1/alarms", query=list(query))
    assert answer.status == 200
    return [alarm["entity_instance_id"] for alarm in answer.json["alarms"]]


def test_alarms_are_listed_the_worst_first(world: World) -> None:
    assert world.client.get("/v1/alarms").json == {"alarms": []}
    _three(world)
    listed = world.client.get("/v1/alarms").json["alarms"]
    assert [one["severity"] for one in listed] == ["critical", "major", "warning"]
    assert set(listed[0]) == ALARM_SHORT
    assert listed[0]["mgmt_affecting"] == "True"
    assert listed[0]["degrade_affecting"] == "False"
    assert listed[0]["reason_text"] == (
        "edge-3 experienced a persistent critical 'Management Network' communication "
        "failure."
    )
    detail = world.client.get("/v1/alarms/detail").json["alarms"]
    assert set(detail[0]) == ALARM_FULL
    assert world.client.get(f"/v1/alarms/{listed[0]['uuid']}").json == detail[0]


def test_alarms_are_filtered_as_the_fm_client_asks(world: World) -> None:
    _three(world)
    assert _entities(
        world,
        ("q.field", "severity"),
        ("q.field", "alarm_id"),
        ("q.op", "eq"),
        ("q.op", "eq"),
        ("q.type", ""),
        ("q.type", ""),
        ("q.value", "critical"),
        ("q.value", "200.005"),
    ) == ["host=edge-3.network=Management"]
    by_host = (("q.field", "entity_instance_id"), ("q.value", "host=edge-1"))
    assert _entities(world, *by_host) == ["host=edge-1"]
    assert len(_entities(world, ("limit", "2"))) == 2
    for bad in (
        [("q.field", "nosuch"), ("q.value", "x")],
        [("q.field", "severity")],
        [("q.field", "severity"), ("q.op", "lt"), ("q.value", "major")],
        [("nosuch", "1")],
    ):
        answer = world.client.request("GET", "/v1/alarms", query=bad)
        assert answer.status == 400
        assert isinstance(answer.json["error_message"], str)
        assert not answer.json["error_message"].startswith("{")


def test_alarm_pages_are_linked(world: World) -> None:
    _three(world)
    first = world.client.get("/v1/alarms", limit=2).json
    marker = first["alarms"][-1]["uuid"]
    assert first["next"].endswith(f"/v1/alarms?limit=2&marker={marker}")
    second = world.client.get("/v1/alarms", limit=2, marker=marker).json
    assert [one["severity"] for one in second["alarms"]] == ["warning"]
    assert "next" not in second


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ([], "OK"),
        ([host_locked("edge-1")], "OK"),
        ([heartbeat_lost("edge-1", critical=False)], "degraded"),
        ([heartbeat_lost("edge-1", critical=True)], "critical"),
    ],
)
def test_the_summary_counts_and_judges(
    world: World, wanted: list[Alarm], status: str
) -> None:
    _raise(world, *wanted)
    answer = world.client.get("/v1/alarms/summary").json
    assert list(answer) == ["critical", "major", "minor", "warnings", "status"]
    assert answer["status"] == status
    counts = (answer["critical"], answer["major"], answer["minor"], answer["warnings"])
    assert sum(counts) == len(wanted)


def test_an_alarm_cleared_by_hand_is_logged(world: World) -> None:
    _three(world)
    uuid = world.client.get("/v1/alarms").json["alarms"][0]["uuid"]
    assert world.client.delete(f"/v1/alarms/{uuid}").status == 204
    assert world.client.delete(f"/v1/alarms/{uuid}").status == 404
    newest = world.client.get("/v1/event_log").json["event_log"][0]
    assert (newest["state"], newest["event_log_id"]) == ("clear", "200.005")


def test_events_are_listed_the_newest_first_and_by_kind(world: World) -> None:
    _three(world)
    log = host_log("200.021", "edge-1", instance="command=lock", text="manual request")
    with world.database.writer() as connection:
        event_log.append(connection, log, now=world.clock.now())

    def states(**query: object) -> list[str]:
        answer = world.client.get("/v1/event_log", **query).json
        return [event["state"] for event in answer["event_log"]]

    assert states() == ["log", "set", "set", "set"]
    assert states(alarms=True, logs=True) == states()
    assert states(alarms=True) == ["set"] * 3
    assert states(logs=True) == ["log"]
    assert states(limit=2) == ["log", "set"]
    listed = world.client.get("/v1/event_log").json["event_log"]
    assert set(listed[0]) == EVENT_SHORT
    detail = world.client.get("/v1/event_log/detail").json["event_log"]
    assert set(detail[0]) == EVENT_FULL
    uuid = listed[0]["uuid"]
    assert world.client.get(f"/v1/event_log/{uuid}").json == detail[0]
    page = world.client.get("/v1/event_log", limit=2, marker=uuid).json
    assert [one["uuid"] for one in page["event_log"]] == [
        one["uuid"] for one in listed[1:3]
    ]
    assert page["next"].endswith(f"limit=2&marker={listed[2]['uuid']}")


@pytest.mark.parametrize(
    ("field", "value", "count"),
    [
        ("severity", "critical", 1),
        ("event_log_id", "200.005", 2),
        ("entity_instance_id", "edge-2", 1),
        ("entity_instance_id", "%", 0),
        ("start", "2026-01-01T00:01:30", 1),
        ("end", "2026-01-01T00:01:30+00:00", 2),
        ("start", "20260101 00:00:30", 2),
    ],
)
def test_events_are_filtered(world: World, field: str, value: str, count: int) -> None:
    _three(world)
    query = [("q.field", field), ("q.op", "eq"), ("q.value", value)]
    answer = world.client.request("GET", "/v1/event_log", query=query)
    assert len(answer.json["event_log"]) == count


def test_an_impossible_date_is_told(world: World) -> None:
    query = [("q.field", "start"), ("q.value", "tomorrow")]
    answer = world.client.request("GET", "/v1/event_log", query=query)
    assert answer.status == 400
    assert answer.json["error_message"] == "Invalid date 'tomorrow' specified"
