# SPDX-License-Identifier: Apache-2.0
"""Who says what he has seen changes nothing that has changed since."""

import json
from typing import Any

import pytest

from hummingbird.db.repository import host as hosts
from tests.functional.api.conftest import Answer, World

POOL = {"name": "spare", "network": "10.30.0.0", "prefix": 24}
EMN = {"name": "shops", "cidr": "10.20.0.0/24"}
CASES: dict[str, tuple[str, Any]] = {
    "host": (
        "/v1/ihosts/edge-0",
        [{"op": "replace", "path": "/serialid", "value": "A1"}],
    ),
    "emn": ("/v1/emns/shops", {"site": "ulm"}),
    "pool": ("/v1/addrpools/spare", {"order": "sequential"}),
}
"""What can be changed on a condition: where, and a change."""

ALL = pytest.mark.parametrize("case", CASES)


@pytest.fixture(autouse=True)
def things(world: World) -> None:
    world.add("edge-0")
    assert world.client.post("/v1/emns", EMN).headers["ETag"]
    assert world.client.post("/v1/addrpools", POOL).headers["ETag"]


def call(
    world: World, method: str, path: str, body: object = None, **headers: str
) -> Answer:
    content = None if body is None else json.dumps(body).encode()
    return world.client.request(method, path, body=content, **headers)


@ALL
def test_a_tag_changes_with_each_change_and_with_nothing_else(
    world: World, case: str
) -> None:
    path, change = CASES[case]
    first = world.client.get(path).headers["ETag"]
    assert world.client.get(path).headers["ETag"] == first
    changed = world.client.patch(path, change)
    second = changed.headers["ETag"]
    assert second != first
    assert world.client.get(path).headers["ETag"] == second


@ALL
def test_a_change_of_what_was_seen_goes_through_once(world: World, case: str) -> None:
    path, change = CASES[case]
    tag = world.client.get(path).headers["ETag"]
    done = call(world, "PATCH", path, change, HTTP_IF_MATCH=tag)
    assert done.status == 200
    before = world.client.get(path).json
    for method, body in (("PATCH", change), ("DELETE", None)):
        late = call(world, method, path, body, HTTP_IF_MATCH=tag)
        assert late.status == 412
        assert late.fault["code"] == "hummingbird.precondition_failed"
    assert world.client.get(path).json == before


@ALL
@pytest.mark.parametrize("form", ["{}", "W/{}", '"0-0", {}', "*"])
def test_a_tag_is_named_in_any_of_the_headers_forms(
    world: World, case: str, form: str
) -> None:
    path, _ = CASES[case]
    tag = world.client.get(path).headers["ETag"]
    gone = call(world, "DELETE", path, HTTP_IF_MATCH=form.format(tag))
    assert gone.status == 204
    assert world.client.get(path).status == 404


def test_another_host_of_the_same_name_is_another(world: World) -> None:
    path, change = CASES["host"]
    tag = world.client.get(path).headers["ETag"]
    world.client.delete(path)
    world.add("edge-0")
    assert call(world, "PATCH", path, change, HTTP_IF_MATCH=tag).status == 412


def test_what_is_observed_of_a_host_leaves_its_tag_alone(world: World) -> None:
    path, change = CASES["host"]
    tag = world.client.get(path).headers["ETag"]
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.note_heard(connection, host.id, online=True, uptime_seconds=5)
        hosts.note_task(connection, host.id, task="busy", now=world.clock.now())
    seen = call(world, "GET", path, HTTP_IF_NONE_MATCH=tag)
    assert (seen.status, seen.json["task"]) == (200, "busy")
    assert call(world, "PATCH", path, change, HTTP_IF_MATCH=tag).status == 200


@pytest.mark.parametrize("case", ["emn", "pool"])
def test_what_is_known_is_not_sent_again(world: World, case: str) -> None:
    path, change = CASES[case]
    tag = world.client.get(path).headers["ETag"]
    known = call(world, "GET", path, HTTP_IF_NONE_MATCH=tag)
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", tag)
    world.client.patch(path, change)
    assert call(world, "GET", path, HTTP_IF_NONE_MATCH=tag).status == 200


def test_a_pool_that_is_all_of_a_networks_changes_the_network(world: World) -> None:
    before = world.client.get("/v1/emns/shops").headers["ETag"]
    world.client.patch("/v1/addrpools/shops-ipv4", {"prefix": 23})
    assert world.client.get("/v1/emns/shops").headers["ETag"] != before
