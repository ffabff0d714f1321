# SPDX-License-Identifier: Apache-2.0
"""Runs are listed, shown, and followed while they happen."""

import threading
from contextlib import ExitStack

import pytest

from hummingbird.clock import ManualClock
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from tests.functional.api.conftest import World

KEYS = {
    "id",
    "uuid",
    "host_uuid",
    "hostname",
    "kind",
    "state",
    "requested_by",
    "rung",
    "attempt",
    "owner",
    "current_step",
    "changed",
    "error_code",
    "error",
    "cancel_requested",
    "queued_at",
    "started_at",
    "ended_at",
}


def _say(world: World, message: str) -> None:
    with world.database.writer() as connection:
        runs.add_event(
            connection,
            1,
            at=world.clock.now(),
            step="connect",
            state="info",
            message=message,
        )


def test_runs_are_listed_the_latest_first_and_found_by_any_name(world: World) -> None:
    for name in ("edge-0", "edge-1"):
        world.add_ready(name)
        world.client.act(name, "unlock")
    listed = world.client.get("/v1/runs").json["runs"]
    assert [run["hostname"] for run in listed] == ["edge-1", "edge-0"]
    assert set(listed[0]) == KEYS
    assert listed[0]["kind"] == "unlock"
    assert listed[0]["state"] == "queued"
    assert listed[0]["queued_at"] == world.clock.now().isoformat()
    for name in ("2", listed[0]["uuid"], "edge-1"):
        assert world.client.get(f"/v1/runs/{name}").json == listed[0]
    missing = world.client.get("/v1/runs/99")
    assert missing.status == 404
    assert missing.fault["code"] == "hummingbird.run.not_found"


def test_runs_are_filtered_by_host_and_state(world: World) -> None:
    for name in ("edge-0", "edge-1"):
        world.add_ready(name)
        world.client.act(name, "unlock")
    world.end_runs("edge-0")

    def ids(**query: object) -> list[int]:
        return [run["id"] for run in world.client.get("/v1/runs", **query).json["runs"]]

    assert ids(host="edge-0") == ids(host=str(world.host("edge-0").id)) == [1]
    assert ids(host=world.host("edge-1").uuid) == [2]
    assert ids(state="queued") == [2]
    assert ids(state="queued,succeeded") == [2, 1]
    assert ids(limit=1) == [2]
    assert ids(before=2) == [1]
    assert ids(host="never-was") == []
    assert world.client.get("/v1/runs", state="odd").status == 400


def test_the_runs_of_a_deleted_host_stay(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    with world.database.writer() as connection:
        hosts.remove(connection, 1)
    assert len(world.client.get("/v1/runs", host="edge-0").json["runs"]) == 1


def test_events_are_read_from_where_the_reader_was(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    for message in ("one", "two", "three"):
        _say(world, message)
    answer = world.client.get("/v1/runs/edge-0/events").json
    assert answer["run"]["id"] == 1
    assert [event["message"] for event in answer["events"]] == ["one", "two", "three"]
    assert set(answer["events"][0]) == {
        "id",
        "at",
        "step",
        "state",
        "task",
        "message",
        "duration_seconds",
    }
    first = answer["events"][0]["id"]
    page = world.client.get("/v1/runs/1/events", after=first, limit=1).json
    assert [event["message"] for event in page["events"]] == ["two"]


class _Speaking(ManualClock):
    """A clock on whose third wait something happens."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.world: World | None = None

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        self.waits += 1
        if self.waits == 3:
            assert self.world is not None
            _say(self.world, "at last")
        return super().wait(event, seconds=seconds)


def test_a_request_waits_until_there_is_an_event(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    clock = _Speaking()
    clock.world = world
    object.__setattr__(world.dependencies, "clock", clock)
    answer = world.client.get("/v1/runs/1/events", wait=20).json
    assert [event["message"] for event in answer["events"]] == ["at last"]
    assert clock.monotonic() < 2


def test_a_request_waits_no_longer_than_it_says(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    began = world.clock.monotonic()
    assert world.client.get("/v1/runs/1/events", wait=20).json["events"] == []
    assert 20 <= world.clock.monotonic() - began < 21


def test_nobody_waits_for_a_run_that_has_ended(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    world.end_runs()
    answer = world.client.get("/v1/runs/1/events", wait=20).json
    assert answer["run"]["state"] == "succeeded"
    assert world.clock.monotonic() == 0


def test_those_who_wait_leave_threads_for_the_rest(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    with ExitStack() as others:
        while others.enter_context(world.dependencies.waiting_room.place()):
            pass
        assert world.client.get("/v1/runs/1/events", wait=20).json["events"] == []
        assert world.clock.monotonic() == 0
    assert world.dependencies.waiting_room.taken == 0


def test_a_service_that_stops_answers_those_who_wait(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    world.dependencies.stopping.set()
    assert world.client.get("/v1/runs/1/events", wait=20).status == 200
    assert world.clock.monotonic() == 0


@pytest.mark.parametrize("query", [{"wait": 31}, {"wait": -1}, {"after": "x"}])
def test_a_follower_says_sensible_numbers(
    world: World, query: dict[str, object]
) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    assert world.client.get("/v1/runs/1/events", **query).status == 400
