# SPDX-License-Identifier: Apache-2.0
"""Alarms that clients set, change and clear, and the logs that they write."""

import json
import threading
from typing import Any

import pytest

from hummingbird.db.repository import alarm as alarms
from hummingbird.domain.alarm import host_locked
from tests.functional.api.conftest import Answer, World

DISK = {
    "alarm_id": "100.104",
    "alarm_state": "set",
    "entity_type_id": "system.host",
    "entity_instance_id": "host=edge-1.filesystem=/var",
    "severity": "major",
    "reason_text": "/var is full",
    "alarm_type": "operational-violation",
    "probable_cause": "threshold-crossed",
    "proposed_repair_action": "Make room.",
    "suppression": True,
}
UUID = "11111111-2222-3333-4444-555555555555"


def _post(world: World, **changes: Any) -> Answer:
    body = {name: v for name, v in {**DISK, **changes}.items() if v is not None}
    return world.client.post("/v1/alarms", body)


def _uuid(answer: Answer) -> str:
    # FM answers with JSON in a JSON text.
    assert answer.status == 200, answer.body
    return str(json.loads(answer.json)["uuid"])


def _alarms(world: World, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client.get("/v1/alarms", **query).json["alarms"]
    return found


def _log(world: World) -> list[tuple[str, str, str]]:
    events = world.client.get("/v1/event_log").json["event_log"]
    return [(e["state"], e["event_log_id"], e["severity"]) for e in events[::-1]]


def test_an_alarm_that_is_set_twice_stands_once(world: World) -> None:
    first = _uuid(_post(world))
    assert _uuid(_post(world)) == first
    assert _log(world) == [("set", "100.104", "major")]
    assert _uuid(_post(world, severity="critical")) == first
    (only,) = _alarms(world)
    assert (only["uuid"], only["severity"]) == (first, "critical")
    assert _log(world)[1:] == [("set", "100.104", "critical")]


def test_many_who_set_one_alarm_at_once_all_succeed(world: World) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(_post(world).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert len(_alarms(world)) == 1


def test_the_catalogue_says_what_an_alarm_affects(world: World) -> None:
    _post(world)
    assert (_alarms(world)[0]["mgmt_affecting"]) == "False"
    _post(world, severity="critical")
    assert (_alarms(world)[0]["mgmt_affecting"]) == "True"
    assert (_alarms(world)[0]["degrade_affecting"]) == "True"


def test_the_uuid_and_the_time_that_a_client_chose_are_kept(world: World) -> None:
    assert _uuid(_post(world, uuid=UUID, timestamp="2026-01-01T10:00:00.5")) == UUID
    found = world.client.get(f"/v1/alarms/{UUID}").json
    assert found["timestamp"] == "2026-01-01T10:00:00.500000+00:00"
    other = _post(world, uuid=UUID, entity_instance_id="host=edge-2")
    assert other.status == 409


def test_an_alarm_is_cleared_by_its_key_or_its_uuid(world: World) -> None:
    uuid = _uuid(_post(world))
    cleared = _post(world, alarm_state="clear", severity=None, probable_cause=None)
    assert _uuid(cleared) == uuid
    assert not _alarms(world)
    again = _post(world, alarm_state="clear")
    assert again.status == 400
    assert again.json["error_message"] == "can not find record to clear!"
    uuid = _uuid(_post(world))
    assert _uuid(_post(world, alarm_state="clear", uuid=uuid)) == uuid
    assert [state for state, _, _ in _log(world)] == ["set", "clear"] * 2


@pytest.mark.parametrize("state", ["log", "msg"])
def test_a_log_may_have_any_id_and_is_written_once(world: World, state: str) -> None:
    for _ in range(2):
        answer = _post(world, alarm_id="200.023", alarm_state=state, uuid=UUID)
        assert _uuid(answer) == UUID
    assert _log(world) == [("log", "200.023", "major")]
    assert not _alarms(world)


def test_put_changes_what_it_names(world: World) -> None:
    uuid = _uuid(_post(world))
    world.clock.advance(60)
    path = f"/v1/alarms/{uuid}"
    body = json.dumps({"reason_text": "/var is fuller", "severity": "critical"})
    answer = world.client.request("PUT", path, body=body.encode())
    assert answer.status == 200
    assert answer.json == world.client.get(path).json
    assert answer.json["reason_text"] == "/var is fuller"
    assert answer.json["proposed_repair_action"] == "Make room."
    assert answer.json["timestamp"] > answer.json["created_at"]
    # What a client has read it may send back as it is.
    whole = json.dumps(answer.json).encode()
    assert world.client.request("PUT", path, body=whole).status == 200
    assert [state for state, _, _ in _log(world)] == ["set", "set"]
    for bad in ({"alarm_id": "200.001"}, {"alarm_state": "clear"}, {"nosuch": 1}):
        refused = world.client.request("PUT", path, body=json.dumps(bad).encode())
        assert refused.status == 400, bad
    missing = world.client.request("PUT", f"/v1/alarms/{UUID}", body=body.encode())
    assert missing.status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"alarm_id": None},
        {"alarm_id": "999.999"},
        {"alarm_id": 200},
        {"alarm_state": None},
        {"alarm_state": "raise"},
        {"entity_instance_id": "x" * 256},
        {"entity_instance_id": ""},
        {"severity": "worst"},
        {"severity": []},
        {"severity": None},
        {"probable_cause": None},
        {"suppression": "maybe"},
        {"timestamp": "tomorrow"},
        {"timestamp": 7},
        {"timestamp": "0001-01-01T00:00:00+12:00"},
        {"uuid": "7"},
        {"colour": "red"},
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_text(
    world: World, changes: dict[str, Any]
) -> None:
    answer = _post(world, **changes)
    assert answer.status == 400
    assert isinstance(answer.json["error_message"], str)
    assert not answer.json["error_message"].startswith("{")
    assert not _alarms(world)
    assert not _log(world)


def test_what_hummingbird_raised_stays_its_own(world: World) -> None:
    with world.database.writer() as connection:
        alarms.put(connection, host_locked("edge-1"), now=world.clock.now())
    _uuid(_post(world, alarm_id="200.001", entity_instance_id="host=edge-1"))
    with world.database.reader() as connection:
        (only,) = alarms.list_all(connection)
    assert (only.alarm.severity, only.posted) == ("major", False)


def test_a_locked_host_stands_for_its_lesser_alarms(world: World) -> None:
    _post(world)
    _post(world, entity_instance_id="host=edge-10.filesystem=/var")
    _post(world, alarm_id="100.106", suppression=False)
    with world.database.writer() as connection:
        alarms.put(connection, host_locked("edge-1"), now=world.clock.now())
    listed = {(a["alarm_id"], a["entity_instance_id"]) for a in _alarms(world)}
    assert listed == {
        ("200.001", "host=edge-1"),
        ("100.106", "host=edge-1.filesystem=/var"),
        ("100.104", "host=edge-10.filesystem=/var"),
    }
    summary = world.client.get("/v1/alarms/summary").json
    assert (summary["major"], summary["warnings"]) == (2, 1)
