# SPDX-License-Identifier: Apache-2.0
"""Lists of both: whole, in pages, and without the one that is away."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from hummingbird.db.repository.host import FIRST_ID
from tests.fakes.sysinv import SYSTEM_UUID
from tests.functional.api.beside.conftest import PASSAGES, World


def test_one_list_shows_the_hosts_of_both(world: World) -> None:
    added = world.add("edge-1").json()
    listed = world.get("/v1/ihosts")["ihosts"]
    assert [one["hostname"] for one in listed] == [
        "controller-0",
        "compute-0",
        "edge-1",
    ]
    assert [one["id"] for one in listed] == [1, 2, added["id"]]
    assert added["id"] > FIRST_ID
    assert listed[:2] == world.sysinv.hosts
    assert "next" not in world.get("/v1/ihosts")
    assert world.names(personality="edgeworker") == ["edge-1"]
    assert world.names(personality="controller") == ["controller-0"]
    assert len(world.get("/v1/ihosts/detail")["ihosts"]) == 3


def test_each_host_is_found_by_each_of_its_names(world: World) -> None:
    world.add("edge-1")
    for host in world.get("/v1/ihosts")["ihosts"]:
        for name in (host["id"], host["uuid"], host["hostname"]):
            assert world.get(f"/v1/ihosts/{name}")["hostname"] == host["hostname"]


@pytest.mark.parametrize("sort_dir", ["asc", "desc"])
def test_pages_of_both_are_walked_to_the_end(world: World, sort_dir: str) -> None:
    for number in (3, 1, 2):
        world.add(f"edge-{number}")
    for sort_key in ("id", "hostname", "mgmt_mac", "task"):
        order = {"sort_key": sort_key, "sort_dir": sort_dir}
        whole = world.names(**order)
        assert len(whole) == 5
        if sort_key != "task":
            hosts = world.get("/v1/ihosts")["ihosts"]
            hosts.sort(key=lambda one: one[sort_key], reverse=sort_dir == "desc")
            assert whole == [one["hostname"] for one in hosts]
        for limit in (1, 2, 3):
            assert _walked(world, limit=limit, **order) == whole, (sort_key, limit)


def _walked(world: World, **query: Any) -> list[str]:
    walked: list[str] = []
    path = f"/v1/ihosts?{urlencode(query)}"
    while path:
        page = world.get(path)
        assert len(page["ihosts"]) <= query["limit"]
        walked += [one["hostname"] for one in page["ihosts"]]
        assert len(walked) <= 5
        path = page.get("next", "").removeprefix(world.url)
    return walked


def test_a_list_refuses_what_it_refuses_alone(world: World) -> None:
    for query in ("limit=x", "limit=-1", "sort_dir=up", "sort_key=no_such", "red=1"):
        answer = world.ask("GET", f"/v1/ihosts?{query}")
        assert answer.status_code == 400, query
        assert json.loads(answer.json()["error_message"])["faultcode"] == "Client"


def test_a_marker_that_nobody_has_is_not_found(world: World) -> None:
    assert world.ask("GET", "/v1/ihosts?marker=nobody&limit=1").status_code == 404


def test_labels_of_both_are_listed_and_each_is_set_where_its_host_is(
    world: World,
) -> None:
    edge = world.add("edge-1").json()
    world.sysinv.labels = [{"uuid": "u1", "label_key": "a", "label_value": "b"}]
    answer = world.ask("POST", f"/v1/labels/{edge['uuid']}", json={"c": "d"})
    (label,) = answer.json()["labels"]
    listed = world.get("/v1/labels")["labels"]
    assert [one["label_key"] for one in listed] == ["a", "c"]
    assert world.get(f"/v1/labels/{label['uuid']}") == label
    assert world.ask("DELETE", f"/v1/labels/{label['uuid']}").status_code == 204
    theirs = world.sysinv.hosts[0]["uuid"]
    world.ask("POST", f"/v1/labels/{theirs}", json={"c": "d"})
    assert world.sysinv.seen[-1].path == f"/v1/labels/{theirs}"


def test_both_are_one_system_and_stay_so(world: World) -> None:
    world.add("edge-1")
    world.sysinv.stop()
    before = world.get("/v1/ihosts/edge-1")["isystem_uuid"]
    world.sysinv.start()
    assert before != SYSTEM_UUID
    listed = world.get("/v1/ihosts", isystem_id=SYSTEM_UUID)["ihosts"]
    assert {one["isystem_uuid"] for one in listed} == {SYSTEM_UUID}
    world.sysinv.stop()
    assert world.get("/v1/ihosts/edge-1")["isystem_uuid"] == SYSTEM_UUID
    (system,) = world.get("/v1/isystems")["isystems"]
    assert system["uuid"] == SYSTEM_UUID


def test_the_list_of_resources_names_those_of_both(world: World) -> None:
    resources = world.get("/v1")
    assert resources["istors"] == resources["ihosts"] == ["theirs"]
    assert "runs" in resources


def test_without_sysinv_edgeworkers_are_served_and_lists_say_what_they_lack(
    world: World,
) -> None:
    edge = world.add("edge-1").json()
    world.sysinv.stop()
    assert world.add("edge-2").status_code == 200
    assert world.ask("GET", "/v1/ihosts/edge-1").headers.get("Warning") is None
    assert world.ask("DELETE", "/v1/ihosts/edge-2").status_code == 204
    for path in (
        "/v1/ihosts",
        "/v1/ihosts/detail",
        f"/v1/ihosts?marker={world.sysinv.hosts[0]['uuid']}&limit=5",
        "/v1/labels",
        "/v1/isystems",
        "/v1",
        "/",
    ):
        answer = world.ask("GET", path)
        assert answer.status_code == 200, path
        assert answer.headers["Warning"].startswith('199 hummingbird "sysinv'), path
        if "ihosts" in path:
            assert [one["uuid"] for one in answer.json()["ihosts"]] == [edge["uuid"]]
    for method, path in (
        ("GET", "/v1/ihosts/controller-0"),
        ("DELETE", "/v1/labels/2a9f0c5e-54a1-4a7f-9a5e-7c3c0f6b2d11"),
        ("POST", "/v1/istors"),
    ):
        answer = world.ask(method, path)
        assert answer.status_code == 503, path
        inner = json.loads(answer.json()["error_message"])
        assert inner["code"] == "hummingbird.sysinv.unavailable"
        assert inner["worth_a_retry"] is True
    world.sysinv.start()
    assert len(world.names()) == 3


def test_a_list_that_sysinv_cannot_give_is_ours_with_a_warning(world: World) -> None:
    world.add("edge-1")
    world.sysinv.list_status = 500
    answer = world.ask("GET", "/v1/ihosts")
    assert [one["hostname"] for one in answer.json()["ihosts"]] == ["edge-1"]
    assert "status 500" in answer.headers["Warning"]


def test_a_sysinv_that_was_found_away_keeps_nobody_waiting(world: World) -> None:
    world.conf.set_override("away_seconds", 0.0, group="sysinv")
    world.add("edge-1")
    world.sysinv.is_slow = True
    with ThreadPoolExecutor(PASSAGES) as pool:
        passed = [
            pool.submit(world.ask, "GET", "/v1/ihosts/controller-0")
            for _ in range(PASSAGES)
        ]
        world.until(lambda: world.sysinv.waiting == PASSAGES)
        # Every passage is taken by a request that waits for sysinv.
        assert world.get("/v1/ihosts/edge-1")["hostname"] == "edge-1"
        assert world.add("edge-2").status_code == 200
        listed = world.ask("GET", "/v1/ihosts")
        assert "Warning" in listed.headers
        assert len(listed.json()["ihosts"]) == 2
        refused = world.ask("GET", "/v1/ihosts/compute-0")
        assert refused.status_code == 503
        assert "hummingbird.sysinv.busy" in refused.text
        world.sysinv.may_go_on.set()
        assert {one.result().status_code for one in passed} == {200}
    assert world.get("/v1/ihosts/compute-0")["hostname"] == "compute-0"
