# SPDX-License-Identifier: Apache-2.0
"""Each request goes to whom it is for: sysinv, or us."""

import json
from dataclasses import replace

from tests.fakes.sysinv import TOKEN
from tests.functional.api.beside.conftest import World

_THEIRS = [
    ("GET", "/v1/nothing/at/all", 404),
    ("GET", "/v1/ihosts/nobody", 404),
    ("GET", "/v1/ihosts/controller-0/iinterfaces", 200),
    ("PUT", "/v1/echo", 200),
    ("HEAD", "/v1/echo", 200),
    ("POST", "/v1/istors", 404),
    ("GET", "/v1/labels/no-such-label", 400),
    ("DELETE", "/v1/ihosts/compute-0", 204),
    ("GET", "/v1/isystems", 200),
    ("GET", "/v1/health", 200),
    ("GET", "/v1/health/kube-upgrade", 404),
    ("GET", "/v1/license/get_license_file", 404),
    ("GET", "/v1/certificate/get_all_certs", 404),
]


def test_paths_that_are_not_ours_are_sysinvs(world: World) -> None:
    direct = replace(world, url=world.sysinv.url)
    for method, path, status in _THEIRS:
        there = direct.ask(method, path)
        if method == "DELETE":
            world.sysinv.add("compute-0", "worker", "52:54:00:aa:00:09")
        here = world.ask(method, path)
        assert (here.status_code, here.content) == (there.status_code, there.content)
        assert here.status_code == status, path


def test_paths_that_are_ours_stay_here(world: World) -> None:
    world.add("edge-1")
    world.sysinv.seen.clear()
    for path in (
        "/v1/alarms",
        "/v1/runs",
        "/v1/emns",
        "/v1/credentials",
        "/v1/heartbeats",
        "/v1/ihosts/edge-1",
        "/v1/ihosts/EDGE-1/icpus",
        "/v1/ihosts/edge-1/labels",
    ):
        world.get(path)
    assert world.ask("GET", "/v1/ihosts/edge-1/nothing").status_code == 404
    assert world.ask("GET", "/v1/alarms/nothing").status_code == 404
    assert world.sysinv.seen == []


def test_sysinv_checks_the_tokens_of_its_callers_and_we_those_of_ours(
    world: World,
) -> None:
    world.add("edge-1")
    world.token = "somebody's"
    refused = world.ask("GET", "/v1/ihosts/controller-0")
    assert (refused.status_code, refused.text) == (401, "Authentication required")
    for path in ("/v1/ihosts", "/v1/ihosts/edge-1", "/v1/runs", "/v1/labels"):
        answer = world.ask("GET", path)
        assert answer.status_code == 401, path
        assert "hummingbird.not_authenticated" in answer.text, path
    world.token = None
    public = "/v1/ihosts/52:54:00:aa:00:01/mgmt_ip"
    assert world.get(public) == {"mgmt_ip": "192.168.204.2"}
    assert world.get("/v1/health")["ready"] is True
    assert world.get("/") == {"name": "the real sysinv"}


def test_a_host_is_added_where_its_personality_says(world: World) -> None:
    body = b'{"hostname": "storage-0", "personality": "storage",  "mgmt_mac": "m"}'
    answer = world.ask("POST", "/v1/ihosts", data=body)
    assert answer.json()["id"] == 3
    assert world.sysinv.seen[-1].body == body
    assert world.add("edge-1").json()["personality"] == "edgeworker"
    assert [one["hostname"] for one in world.sysinv.hosts] == [
        "controller-0",
        "compute-0",
        "storage-0",
    ]


_TAKEN = [
    ({"hostname": "compute-0"}, "Host-add Rejected: Hostname already exists"),
    (
        {"mgmt_mac": "52:54:00:AA:00:02"},
        "Host-add Rejected: Host with mgmt_mac 52:54:00:aa:00:02 already exists",
    ),
    ({"mgmt_ip": "192.168.204.3"}, "Address 192.168.204.3"),
]


def test_an_edgeworker_gets_no_name_that_a_host_of_sysinv_has(world: World) -> None:
    for taken, sentence in _TAKEN:
        answer = world.add("edge-1", **taken)
        assert answer.status_code in (400, 409), taken
        inner = json.loads(answer.json()["error_message"])
        assert inner["faultstring"].startswith(sentence)
    assert world.add("edge-1").status_code == 200


def test_a_host_of_sysinv_gets_no_name_that_an_edgeworker_has(world: World) -> None:
    world.add("edge-1")
    for taken in ({"hostname": "edge-1"}, {"mgmt_mac": "52:54:00:00:00:01"}):
        answer = world.add("compute-7", personality="worker", **taken)
        assert answer.status_code == 400
        assert "already exists" in answer.text
        world.token = "somebody's"
        told = world.add("compute-7", personality="worker", **taken)
        assert (told.status_code, told.text) == (401, "Authentication required")
        world.token = TOKEN
    assert world.add("compute-7", personality="worker").json()["id"] == 3


def test_what_is_made_is_made_by_whom_its_body_is_for(world: World) -> None:
    pool = {"name": "more", "network": "10.9.0.0", "prefix": 24}
    assert world.ask("POST", "/v1/addrpools", json=pool).status_code == 404
    assert world.sysinv.seen[-1].path == "/v1/addrpools"
    theirs = world.ask("POST", "/v1/apps", json={"tarfile": "x.tgz"})
    assert (theirs.status_code, world.sysinv.seen[-1].path) == (404, "/v1/apps")
    ours = world.ask("POST", "/v1/addrpools", json={**pool, "emn": "mn"})
    assert "hummingbird.address_pool.taken" in ours.text
    assert world.sysinv.seen[-1].path == "/v1/apps"
    by_number = world.ask("GET", "/v1/networks/1")
    assert (by_number.status_code, world.sysinv.seen[-1].path) == (
        404,
        "/v1/networks/1",
    )
    mine = world.get("/v1/networks/mn")
    assert world.get(f"/v1/networks/{mine['uuid']}") == mine


def test_a_file_of_hosts_is_whose_hosts_it_has(world: World) -> None:
    world.add("edge-1")
    ours = world.get("/v1/ihosts/bulk_export", personality="edgeworker")
    assert "edge-1" in ours["content"]
    refused = world.ask("GET", "/v1/ihosts/bulk_export")
    assert (refused.status_code, world.sysinv.seen[-1].path) == (
        404,
        "/v1/ihosts/bulk_export",
    )
