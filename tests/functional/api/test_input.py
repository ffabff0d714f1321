# SPDX-License-Identifier: Apache-2.0
"""What sysinv lets in and regrets later (a real one, served and asked, did each of these):
hosts born unlocked, one MAC address in two notations, names that differ in case, names
that no Kubernetes node can have, adds that fail half way."""

from typing import Any

import pytest

from hummingbird.db.repository import event_log
from tests.functional.api.conftest import Answer, World

EDGE = {
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_mac": "52:54:00:aa:bb:01",
}
LONG = "a" * 63


def add(world: World, **change: object) -> Answer:
    return world.client.post("/v1/ihosts", {**EDGE, **change})


def code(answer: Answer) -> str:
    return str(answer.fault["code"])


@pytest.mark.parametrize(
    "name",
    ["e", "edge-0", "edge-0.plant-3.example", "0edge", "xn--schlssel-95a", "7.a", LONG],
)
def test_a_name_is_one_that_a_kubernetes_node_can_have(world: World, name: str) -> None:
    answer = add(world, hostname=name)
    assert (answer.status, answer.json["hostname"]) == (200, name)
    assert world.client.get(f"/v1/ihosts/{name.upper()}").json["hostname"] == name


@pytest.mark.parametrize(
    "name",
    [
        "Edge-0",
        "EDGE-0",
        "edge_0",
        "edge 0",
        "edge-0\n",
        " edge-0",
        "-edge",
        "edge-",
        ".edge",
        "edge.",
        "edge..0",
        "edge-.0",
        "edge/0",
        "../edge",
        "kante-ß",
        "edge-٣",
        "edge;reboot",
        "{{edge}}",
        "$(reboot)",
        "a" * 64,
        "controller-0",
        "controller-1",
        "localhost",
        # What a path could mean otherwise: an id, a uuid; and what is an address.
        "7",
        "007",
        "10.20.0.5",
        "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a",
        "87f6b5a178b84d90a1ca3aa0b796d57a",
    ],
)
def test_any_other_name_is_refused(world: World, name: str) -> None:
    answer = add(world, hostname=name)
    assert (answer.status, code(answer)) == (400, "hummingbird.host.hostname_invalid")
    assert world.client.get("/v1/ihosts").json == {"ihosts": []}


@pytest.mark.parametrize(
    "mac",
    [
        "52:54:00:aa:bb:01",
        "52:54:00:AA:BB:01",
        "52-54-00-aa-bb-01",
        "52-54-00-AA-BB-01",
        "5254.00aa.bb01",
        "5254.00AA.BB01",
        "525400aabb01",
        " 525400AABB01 ",
    ],
)
def test_a_mac_address_is_one_in_every_notation(world: World, mac: str) -> None:
    answer = add(world, mgmt_mac=mac)
    assert (answer.status, answer.json["mgmt_mac"]) == (200, "52:54:00:aa:bb:01")
    again = add(world, hostname="edge-1")
    assert code(again) == "hummingbird.host.mac_taken"
    assert again.sentence == (
        "Host-add Rejected: Host with mgmt_mac 52:54:00:aa:bb:01 already exists"
    )


@pytest.mark.parametrize(
    "mac",
    [
        "52:54:00:aa:bb",
        "52:54:00:aa:bb:01:02",
        "52:54-00:aa-bb:01",
        "52:54:00:aa:bb:0g",
        "5:54:00:aa:bb:01",
        "5254:00aa:bb01",
        "5254.00aabb01",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "33:33:00:00:00:01",
        "٥2:54:00:aa:bb:01",
        "52:54:00:aa:bb:01\n52:54:00:aa:bb:02",
    ],
)
def test_what_is_no_interfaces_mac_address_is_refused(world: World, mac: str) -> None:
    answer = add(world, mgmt_mac=mac)
    assert (answer.status, code(answer)) == (400, "hummingbird.host.mac_invalid")


STATE: dict[str, Any] = {
    "administrative": "unlocked",
    "operational": "enabled",
    "availability": "available",
    "invprovision": "provisioned",
    "inv_state": "inventoried",
    "task": "Booting",
    "ihost_action": "unlock",
    "vim_progress_status": "services-enabled",
    "mtce_info": "x",
    "reserved": True,
    "config_status": "Config out-of-date",
    "config_applied": "x",
    "config_target": "x",
    "subfunction_oper": "enabled",
    "subfunction_avail": "available",
    "uptime": 99,
    "install_state": "completed",
    "install_state_info": "x",
    "sw_version": "99.9",
    "id": 7,
    "uuid": "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a",
    "isystem_uuid": "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a",
    "created_at": "2001-01-01T00:00:00+00:00",
    "updated_at": "2001-01-01T00:00:00+00:00",
    "reboot_needed": True,
}


@pytest.mark.parametrize("name", STATE)
def test_nobody_chooses_what_is_observed(world: World, name: str) -> None:
    refused = add(world, **{name: STATE[name]})
    assert refused.status == 400
    assert name in refused.sentence
    assert world.client.get("/v1/ihosts").json == {"ihosts": []}
    before = add(world).json
    body = f'[{{"op": "replace", "path": "/{name}", "value": "x"}}]'
    # sysinv lets whoever says that he is mtce or vim set these.
    for agent in ("mtce/1.0", "vim/1.0", "Python-httplib2/0.22"):
        patched = world.client.request(
            "PATCH", "/v1/ihosts/edge-0", body=body.encode(), HTTP_USER_AGENT=agent
        )
        assert patched.status == 400
        assert f"contains restricted {{'{name}'}}" in patched.sentence
    assert world.client.get("/v1/ihosts/edge-0").json == before


def test_an_answer_that_is_sent_back_as_a_new_host_is_refused(world: World) -> None:
    shown = add(world).json
    world.client.delete("/v1/ihosts/edge-0")
    answer = world.client.post("/v1/ihosts", shown)
    assert answer.status == 400
    assert "these attributes are not the client's to choose" in answer.sentence


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"mgmt_ip": "192.168.204.0"}, 400),
        ({"mgmt_ip": "192.168.204.9", "emn": "nobody"}, 404),
        ({"credential": "nobody"}, 404),
        ({"bm_ip": "10.9.9.9"}, 400),
        ({"mgmt_ip": "192.168.204.5"}, 409),
        ({"hostname": "edge-8"}, 400),
        ({"mgmt_mac": "5254.00aa.bb08"}, 400),
    ],
)
def test_an_add_that_is_refused_has_done_nothing(
    world: World, change: dict[str, Any], status: int
) -> None:
    other = {
        "hostname": "edge-8",
        "mgmt_mac": "52:54:00:aa:bb:08",
        "mgmt_ip": "192.168.204.5",
        "bm_ip": "10.9.9.9",
    }
    assert add(world, **other).status == 200
    before = [world.client.get(path).json for path in ("/v1/ihosts", "/v1/addresses")]
    with world.database.reader() as connection:
        logged = len(event_log.list_latest(connection, limit=99))
    refused = add(world, **change)
    assert refused.status == status, refused.body
    after = [world.client.get(path).json for path in ("/v1/ihosts", "/v1/addresses")]
    assert after == before
    with world.database.reader() as connection:
        assert len(event_log.list_latest(connection, limit=99)) == logged
    # The same name goes through once it is right.
    assert add(world).status == 200


def test_an_add_that_fails_half_way_has_done_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the power is gone")

        patched.setattr(event_log, "append", fail)
        answer = add(world, mgmt_ip="192.168.204.9", bm_ip="10.9.9.9")
        assert answer.status == 500
    assert world.client.get("/v1/ihosts").json == {"ihosts": []}
    assert world.client.get("/v1/addresses").json == {"addresses": []}
    assert add(world, mgmt_ip="192.168.204.9", bm_ip="10.9.9.9").status == 200
