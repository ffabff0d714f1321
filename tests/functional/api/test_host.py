# SPDX-License-Identifier: Apache-2.0
"""Hosts are added, listed, shown and deleted as StarlingX's clients do it."""

from datetime import datetime
from typing import Any

import pytest

from hummingbird.db.repository import event_log
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind
from tests.functional.api.conftest import Client, World
from tests.functional.api.sysinv_host import (
    COLLECTIONS,
    FRESH,
    FULL_KEYS,
    SHORT_KEYS,
)

EDGE = {
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_mac": "52:54:00:aa:bb:01",
}


def test_a_host_looks_as_sysinvs_after_it_was_added(client: Client) -> None:
    answer = client.post("/v1/ihosts", {**EDGE, "location": {"locn": "site-1"}})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    host = answer.json
    assert tuple(host) == FULL_KEYS
    assert {key: host[key] for key in FRESH} == FRESH
    assert host["hostname"] == "edge-0"
    assert host["mgmt_mac"] == "52:54:00:aa:bb:01"
    assert host["mgmt_ip"] is None
    assert host["location"] == {"locn": "site-1"}
    assert (
        host["isystem_uuid"] == client.get("/v1/isystems").json["isystems"][0]["uuid"]
    )
    assert datetime.fromisoformat(host["created_at"]).utcoffset() is not None
    self_link, bookmark = host["links"]
    path = f"ihosts/{host['uuid']}"
    assert self_link == {"href": f"http://edge.example:6385/v1/{path}", "rel": "self"}
    assert bookmark == {"href": f"http://edge.example:6385/{path}", "rel": "bookmark"}
    for name in COLLECTIONS:
        assert host[name][0]["href"].endswith(f"/v1/{path}/{name}")


def test_a_host_is_found_by_id_uuid_and_name(world: World) -> None:
    added = world.add()
    for name in (str(added["id"]), added["uuid"], "edge-0", "EDGE-0"):
        assert world.client.get(f"/v1/ihosts/{name}").json == added
    answer = world.client.get("/v1/ihosts/edge-1")
    assert answer.status == 404
    assert answer.sentence == "Host edge-1 could not be found."


def test_a_list_is_complete_and_short_and_detail_is_full(world: World) -> None:
    names = [f"edge-{number}" for number in range(5)]
    for name in names:
        world.add(name)
    answer = world.client.get("/v1/ihosts").json
    assert list(answer) == ["ihosts"]
    assert [host["hostname"] for host in answer["ihosts"]] == names
    assert tuple(answer["ihosts"][0]) == SHORT_KEYS
    detail = world.client.get("/v1/ihosts/detail").json["ihosts"]
    assert tuple(detail[0]) == FULL_KEYS


def test_pages_are_linked_and_meet(world: World) -> None:
    for number in range(5):
        world.add(f"edge-{number}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = world.client.get("/v1/ihosts", **query).json
        seen += [host["hostname"] for host in page["ihosts"]]
        if "next" not in page:
            break
        last = page["ihosts"][-1]["uuid"]
        assert page["next"] == (
            "http://edge.example:6385/v1/ihosts?sort_key=id&sort_dir=asc&limit=2"
            f"&marker={last}"
        )
        query["marker"] = last
    assert seen == [f"edge-{number}" for number in range(5)]
    assert "next" not in world.client.get("/v1/ihosts", limit=0).json


@pytest.mark.parametrize("key", ["hostname", "created_at", "administrative", "mgmt_ip"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_in_any_order_have_each_host_once(
    world: World, key: str, direction: str
) -> None:
    for number in (2, 0, 1):
        more = {"mgmt_ip": f"192.168.204.{60 + number}"} if number else {}
        world.add(f"edge-{number}", **more)
    query: dict[str, Any] = {"sort_key": key, "sort_dir": direction, "limit": 2}
    first = world.client.get("/v1/ihosts", **query).json["ihosts"]
    query["marker"] = first[-1]["uuid"]
    second = world.client.get("/v1/ihosts", **query).json["ihosts"]
    names = [host["hostname"] for host in first + second]
    assert sorted(names) == ["edge-0", "edge-1", "edge-2"]
    if key == "hostname":
        assert names == sorted(names, reverse=direction == "desc")


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({"hostname": "x"}, 400, 'Unknown argument: "hostname"'),
        ({"limit": -1}, 400, "Limit must be positive"),
        ({"limit": "abc"}, 400, "unable to convert to int"),
        ({"sort_dir": "up"}, 400, "Invalid sort direction: up."),
        ({"sort_key": "nosuch"}, 400, "Invalid sort key: nosuch."),
        ({"marker": "nobody"}, 404, "Host nobody could not be found."),
    ],
)
def test_a_list_refuses_what_makes_no_sense(
    world: World, query: dict[str, Any], status: int, sentence: str
) -> None:
    for name in ("edge-0", "edge-1"):  # an empty list refuses it, too
        answer = world.client.get("/v1/ihosts", **query)
        assert answer.status == status
        assert sentence in answer.sentence
        world.add(name)


def test_a_list_is_of_one_personality_and_system(world: World) -> None:
    added = world.add()

    def count(**query: str) -> int:
        return len(world.client.get("/v1/ihosts", **query).json["ihosts"])

    assert count(personality="edgeworker") == 1
    assert count(personality="controller") == count(personality="bogus") == 0
    assert count(isystem_id=added["isystem_uuid"]) == 1
    assert count(isystem_id="other") == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"hostname": None},
            "Host-add Rejected. Must provide a hostname for a node of personality "
            "edgeworker",
        ),
        ({"hostname": "Edge_0"}, "Hostname 'Edge_0' is not valid"),
        ({"hostname": "controller-0"}, "Hostname 'controller-0' is not valid"),
        ({"hostname": "edge-0\n"}, "is not valid"),
        (
            {"mgmt_mac": None},
            "Host-add Rejected: Must provide MAC Address of the host mgmt interface",
        ),
        (
            {"mgmt_mac": "52:54:00:aa:bb"},
            "Host-add Rejected: Must provide a valid format of a MAC Address",
        ),
        (
            {"personality": "worker"},
            "edge-0: Reject attempt to configure with invalid personality=worker ",
        ),
        ({"foo": 1}, "Unknown attribute for argument host: foo"),
        ({"hostname": 5}, "Invalid input for field/attribute host. Value: '5'."),
        ({"serialid": ["a"]}, "Invalid input for field/attribute host."),
        ({"location": {"x": 1.5}}, "Invalid input for field/attribute location."),
        ({"capabilities": {"Personality": "x"}}, "contains restricted"),
        ({"mgmt_ip": "10.0.0.300"}, "'10.0.0.300' is not an IPv4 or IPv6 address."),
        ({"mgmt_ip": "172.16.0.1"}, "No known network contains 172.16.0.1."),
        ({"bm_type": "ilo"}, "'ilo' is not a supported board management type."),
        ({"vsc_controllers": "x"}, "property is not applicable to this host."),
        ({"clock_synchronization": "gps"}, "one of ntp, ptp"),
    ],
)
def test_a_bad_host_is_refused_in_sysinvs_words(
    client: Client, change: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/v1/ihosts", {**EDGE, **change})
    assert answer.status == 400
    assert sentence in answer.sentence
    assert client.get("/v1/ihosts").json == {"ihosts": []}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("administrative", "unlocked"),
        ("operational", "enabled"),
        ("availability", "available"),
        ("invprovision", "provisioned"),
        ("id", 7),
        ("uuid", "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a"),
        ("task", "Booting"),
        ("uptime", 99),
    ],
)
def test_nobody_chooses_a_hosts_state(client: Client, name: str, value: object) -> None:
    answer = client.post("/v1/ihosts", {**EDGE, name: value})
    assert answer.status == 400
    assert name in answer.sentence


def test_the_first_mistake_in_sysinvs_order_is_told(client: Client) -> None:
    sentences = []
    body: dict[str, Any] = {"personality": "worker"}
    for more in ({"hostname": "edge-0"}, {"mgmt_mac": "52:54:00:aa:bb:01"}, {}):
        sentences.append(client.post("/v1/ihosts", body).sentence)
        body.update(more)
    assert "Must provide a hostname" in sentences[0]
    assert "Must provide MAC" in sentences[1]
    assert "invalid personality" in sentences[2]


def test_name_mac_and_addresses_belong_to_one_host(client: Client) -> None:
    first = {**EDGE, "mgmt_ip": "192.168.204.5", "bm_ip": "10.9.9.9"}
    assert client.post("/v1/ihosts", first).status == 200
    other = {**EDGE, "hostname": "edge-1", "mgmt_mac": "52-54-00-AA-BB-02"}
    cases = {
        "Host-add Rejected: Hostname already exists": {**other, "hostname": "edge-0"},
        "Host-add Rejected: Host with mgmt_mac 52:54:00:aa:bb:01 already exists": {
            **other,
            "mgmt_mac": "52-54-00-AA-BB-01",
        },
        "Address 192.168.204.5 already belongs to host edge-0.": {
            **other,
            "mgmt_ip": "192.168.204.5",
        },
        "Host-add Rejected: bm_ip 10.9.9.9 already exists": {
            **other,
            "bm_ip": "10.9.9.9",
        },
    }
    for sentence, body in cases.items():
        answer = client.post("/v1/ihosts", body)
        assert answer.sentence == sentence
        assert answer.status in (400, 409)
    assert client.post("/v1/ihosts", other).json["mgmt_mac"] == "52:54:00:aa:bb:02"


def test_settings_are_read_back_and_secrets_are_not(world: World) -> None:
    host = world.add(
        serialid="s-1",
        location="Ulm",
        capabilities={"n": 1},
        bm_ip="10.9.9.9",
        bm_username="admin",
        bm_password="very secret",
        console="ttyS1",
        ttys_dcd="True",
        subfunctions="lowlatency",
    )
    assert host["serialid"] == "s-1"
    assert host["location"] == {"locn": "Ulm"}
    assert host["capabilities"] == {"n": 1}
    assert host["bm_ip"] == "10.9.9.9"
    assert host["bm_type"] == "dynamic"
    assert host["console"] == "ttyS1"
    assert host["ttys_dcd"] is True
    assert host["subfunctions"] == "edgeworker,lowlatency"
    stored = world.host().attributes
    sealed = str(stored["bm_password_sealed"])
    assert "very secret" not in str(stored)
    assert world.box.open(sealed) == "very secret"
    assert sealed not in world.client.get("/v1/ihosts/detail").body.decode()


def test_the_network_and_credential_of_a_host_are_known(world: World) -> None:
    emn = world.client.post("/v1/emns", {"name": "shops", "cidr": "10.20.0.0/24"}).json
    credential = world.client.post(
        "/v1/credentials", {"name": "shop", "user": "edge", "password": "x"}
    ).json
    added = world.add(mgmt_ip="10.20.0.11", credential="shop")
    assert added["mgmt_ip"] == "10.20.0.11"
    assert world.host().emn_id == emn["id"]
    assert world.host().credential_id == credential["id"]
    answer = world.client.post("/v1/ihosts", {**EDGE, "credential": "nobody"})
    assert answer.status == 404


def test_an_added_host_is_in_the_event_log(world: World) -> None:
    world.add()
    with world.database.reader() as connection:
        (stored,) = event_log.list_latest(connection, limit=5)
    assert stored.event.event_log_id == "200.020"
    assert stored.event.entity_instance_id == "host=edge-0.event=add"
    assert stored.event.reason_text == "edge-0 has been 'added' to the system"


def test_a_host_on_which_nothing_was_put_is_deleted_at_once(world: World) -> None:
    first = world.add()
    answer = world.client.delete("/v1/ihosts/edge-0")
    assert (answer.status, answer.body) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert world.client.get("/v1/ihosts/edge-0").status == 404
    assert world.client.delete("/v1/ihosts/edge-0").status == 404
    assert world.runs() == []
    again = world.add()
    assert again["id"] == first["id"] + 1


def test_a_host_that_was_touched_is_retired_by_a_run(world: World) -> None:
    world.add_ready()
    world.enable()
    refused = world.client.delete("/v1/ihosts/edge-0")
    assert refused.status == 400
    assert refused.sentence == (
        "Unable to complete the action delete because Host edge-0 is in "
        "administrative state = unlocked."
    )
    world.lock()
    world.nudges.clear()
    assert world.client.delete("/v1/ihosts/edge-0").status == 204
    assert world.nudges == ["run"]
    shown = world.client.get("/v1/ihosts/edge-0").json
    assert shown["task"] == "Deleting"
    assert world.host().state is HostState.RETIRING
    assert world.runs()[0].kind is RunKind.RETIRE
    busy = world.client.delete("/v1/ihosts/edge-0")
    assert busy.status == 409
    assert busy.fault["code"] == "hummingbird.host.busy"
    assert busy.fault["worth_a_retry"] is True


def test_a_host_that_is_being_provisioned_is_not_deleted(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    answer = world.client.delete("/v1/ihosts/edge-0")
    assert answer.status == 409
    assert "unlock run 1" in answer.sentence


def test_a_failed_provisioning_can_be_deleted(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    world.end_runs()
    world.move("edge-0", Event.PROVISION_FAIL, touched=True)
    assert world.client.delete("/v1/ihosts/edge-0").status == 204
    assert world.host().state is HostState.RETIRING
