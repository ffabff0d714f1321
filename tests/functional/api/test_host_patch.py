# SPDX-License-Identifier: Apache-2.0
"""Hosts are changed by JSON patches, as sysinv takes them."""

from typing import Any

import pytest

from hummingbird.db.repository import condition
from hummingbird.db.repository import host as hosts
from hummingbird.domain.host_machine import Event
from hummingbird.errors import HostGenerationConflict
from tests.functional.api.conftest import World
from tests.functional.api.sysinv_host import FULL_KEYS

PATH = "/v1/ihosts/edge-0"


def test_settings_can_be_replaced_and_removed(world: World) -> None:
    world.add()
    answer = world.client.update(
        "edge-0",
        location='{"locn": "Ulm"}',
        serialid="s-9",
        clock_synchronization="ptp",
        console="ttyS1",
        ttys_dcd="True",
    )
    assert answer.status == 200
    assert tuple(answer.json) == FULL_KEYS
    assert answer.json["location"] == {"locn": "Ulm"}
    assert answer.json["serialid"] == "s-9"
    assert answer.json["clock_synchronization"] == "ptp"
    assert answer.json["console"] == "ttyS1"
    assert answer.json["ttys_dcd"] is True
    assert answer.json["updated_at"] is not None
    answer = world.client.patch(
        PATH,
        [
            {"op": "remove", "path": "/console"},
            {"op": "remove", "path": "/location"},
            {"op": "remove", "path": "/serialid"},
        ],
    )
    assert answer.json["console"] == "ttyS0,115200"
    assert answer.json["location"] == {}
    assert answer.json["serialid"] is None


def test_parts_of_capabilities_and_location_can_be_patched(world: World) -> None:
    world.add()
    add = {"op": "add", "path": "/capabilities/role", "value": "till"}
    assert world.client.patch(PATH, [add]).json["capabilities"] == {"role": "till"}
    more = [
        {"op": "replace", "path": "/capabilities/role", "value": 3},
        {"op": "add", "path": "/location/locn", "value": "Ulm"},
    ]
    answer = world.client.patch(PATH, more).json
    assert answer["capabilities"] == {"role": 3}
    assert answer["location"] == {"locn": "Ulm"}
    remove = {"op": "remove", "path": "/capabilities/role"}
    assert world.client.patch(PATH, [remove]).json["capabilities"] == {}


@pytest.mark.parametrize(
    "body", [[], [{"op": "replace", "path": "/tboot", "value": ""}]]
)
def test_a_patch_that_changes_nothing_is_no_change(
    world: World, body: list[Any]
) -> None:
    added = world.add()
    answer = world.client.patch(PATH, body)
    assert answer.status == 200
    assert answer.json == added
    assert world.host().generation == 1


def _replace(path: str, value: object) -> list[dict[str, object]]:
    return [{"op": "replace", "path": path, "value": value}]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"op": "replace"}, "Invalid patch format"),
        ([5], "Invalid patch format: it is a list"),
        ([{"op": "replace"}], "Invalid patch format"),
        (
            [{"op": "move", "path": "/location", "from": "/x"}],
            "Operation not supported: move",
        ),
        (_replace("location", "x"), "Invalid path: location"),
        (_replace("/a b", "x"), "Invalid path: /a b"),
        (
            [{"op": "add", "path": "/foo", "value": "x"}],
            "Adding an additional attribute (/foo) to the resource is not allowed",
        ),
        (
            _replace("/nosuch", "x"),
            "Patching Error: can't replace a non-existent object 'nosuch'",
        ),
        (_replace("/mgmt_ipp", "x"), "object 'mgmt_ipp'. Do you mean mgmt_ip?"),
        (_replace("/zzzzzz", "x"), "A host has action, "),
        (_replace("/capabilities/nosuch", "x"), "Patching Error: "),
        (_replace("/hostname/x", "x"), "Patching Error: "),
        (_replace("/uuid", "x"), "Change ['uuid'] contains restricted {'uuid'}."),
        (_replace("/task", "x"), "Change ['task'] contains restricted {'task'}."),
        (
            _replace("/administrative", "unlocked"),
            "Change ['administrative'] contains restricted {'administrative'}.",
        ),
        (
            _replace("/mgmt_mac", "52:54:00:00:00:99"),
            "Change ['mgmt_mac'] contains restricted {'mgmt_mac'}.",
        ),
        (
            _replace("/hostname", "edge-9"),
            "The hostname field can not be modified because the hostname edge-0 has "
            "already been configured. If changing hostname is required, please delete "
            "this host, then readd.",
        ),
        (
            _replace("/personality", "worker"),
            "Can not change personality after it has been set. Host edge-0 must be "
            "deleted and re-added in order to change the personality.",
        ),
        (_replace("/mgmt_ip", "nonsense"), "is not an IPv4 or IPv6 address"),
        (_replace("/mgmt_ip", "172.16.0.1"), "No known network contains 172.16.0.1"),
        (_replace("/apparmor", "maybe"), "one of enabled, disabled"),
        (_replace("/location", '{"a": 1.5}'), "Invalid input"),
        (_replace("/capabilities", "no object"), "Invalid input"),
        (_replace("/bm_ip", "10.9.9.9"), "controller Type is not provisioned"),
        (
            [*_replace("/serialid", "a"), *_replace("/serialid", "b")],
            "Illegal duplicate parameters passed.",
        ),
        (_replace("/action", 5), "The action should be a text."),
    ],
)
def test_a_bad_patch_is_refused_in_sysinvs_words(
    world: World, body: object, sentence: str
) -> None:
    before = world.add()
    answer = world.client.patch(PATH, body)
    assert answer.status == 400
    assert sentence in answer.sentence
    assert world.client.get(PATH).json == before


def test_the_address_of_a_locked_host_can_be_set_changed_and_taken(
    world: World,
) -> None:
    world.add()
    world.client.post("/v1/emns", {"name": "shops", "cidr": "10.20.0.0/24"})
    first = world.client.update("edge-0", mgmt_ip="192.168.204.7")
    assert first.json["mgmt_ip"] == "192.168.204.7"
    mn = world.host().emn_id
    second = world.client.update("edge-0", mgmt_ip="10.20.0.7")
    assert second.json["mgmt_ip"] == "10.20.0.7"
    assert world.host().emn_id not in (None, mn)
    world.add("edge-1", mgmt_ip="10.20.0.8")
    taken = world.client.update("edge-0", mgmt_ip="10.20.0.8")
    assert taken.status == 409
    assert taken.sentence == "Address 10.20.0.8 already belongs to host edge-1."
    none = world.client.patch(PATH, [{"op": "remove", "path": "/mgmt_ip"}])
    assert none.json["mgmt_ip"] is None
    assert world.host().emn_id is None


def test_another_address_means_another_provisioning(world: World) -> None:
    world.add_ready()
    world.enable()
    refused = world.client.update("edge-0", mgmt_ip="192.168.204.99")
    assert refused.status == 400
    assert "Please 'Lock' first" in refused.sentence
    world.lock()
    assert world.host().provisioned_plan == "plan"
    assert world.client.update("edge-0", mgmt_ip="192.168.204.99").status == 200
    assert world.host().provisioned_plan is None


def test_what_is_set_on_a_host_that_runs_is_limited(world: World) -> None:
    world.add_ready()
    world.enable()
    refused = world.client.update("edge-0", console="ttyS1")
    assert refused.status == 400
    assert "console" in refused.sentence
    assert world.client.update("edge-0", location="Ulm").status == 200


def test_a_pinned_host_key_can_be_forgotten(world: World) -> None:
    world.add_ready()
    world.enable()
    with world.database.writer() as connection:
        hosts.change(
            connection,
            hosts.find(connection, "edge-0"),
            now=world.clock.now(),
            known_hosts="192.168.204.50 ssh-ed25519 AAAA",
        )
    assert world.client.update("edge-0", forget_host_key=False).status == 200
    assert world.host().known_hosts is not None
    assert world.client.update("edge-0", forget_host_key=True).status == 200
    assert world.host().known_hosts is None


HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)


def test_a_host_key_is_given_before_any_contact(world: World) -> None:
    added = world.add(mgmt_ip="192.168.204.5", host_key=f"{HOST_KEY} root@edge-0")
    assert added["host_key"] == HOST_KEY
    assert world.host().known_hosts == f"edge-0 {HOST_KEY}\n"
    assert world.client.update("edge-0", forget_host_key=True).status == 200
    assert "host_key" not in world.client.get("/v1/ihosts/edge-0").json
    answer = world.client.update("edge-0", host_key=HOST_KEY)
    assert answer.json["host_key"] == HOST_KEY
    both = world.client.update("edge-0", host_key=HOST_KEY, forget_host_key=True)
    assert both.status == 400
    assert world.host().known_hosts == f"edge-0 {HOST_KEY}\n"


def test_a_host_that_showed_another_key_says_since_when(world: World) -> None:
    world.add(mgmt_ip="192.168.204.5", host_key=HOST_KEY)
    now = world.clock.now()
    with world.database.writer() as connection:
        condition.put_host_key(
            connection,
            world.host().id,
            pinned=world.host().known_hosts,
            is_known=False,
            observer="trace",
            now=now,
        )
        assert condition.key_changed(connection) == {world.host().id}
    shown = world.client.get("/v1/ihosts/edge-0").json
    assert shown["host_key_changed_at"] == now.isoformat()
    assert world.client.update("edge-0", forget_host_key=True).status == 200
    assert "host_key_changed_at" not in world.client.get("/v1/ihosts/edge-0").json


@pytest.mark.parametrize(
    "key",
    [
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        HOST_KEY[:-1],
        HOST_KEY.replace("ssh-ed25519", "ssh-rsa"),
        HOST_KEY.replace("ssh-ed25519", "ssh-dss"),
        f"other {HOST_KEY}",
        f"@cert-authority {HOST_KEY}",
        f"{HOST_KEY}\nother ssh-ed25519 AAAA",
        f"{HOST_KEY} \x1b[2J",
        f"{HOST_KEY} {'x' * 5000}",
        f"{HOST_KEY.split()[0]} ä{HOST_KEY.split()[1]}",
        5,
    ],
)
def test_what_is_no_host_key_is_refused(world: World, key: object) -> None:
    world.add()
    answer = world.client.update("edge-0", host_key=key)
    assert (answer.status, answer.fault["code"]) == (
        400,
        "hummingbird.host.key_invalid",
    )
    assert world.host().known_hosts is None


def test_a_credential_is_named_and_unnamed(world: World) -> None:
    world.add()
    body = {"name": "shop", "user": "edge", "password": "x"}
    credential = world.client.post("/v1/credentials", body).json
    assert world.client.update("edge-0", credential="shop").status == 200
    assert world.host().credential_id == credential["id"]
    assert world.client.update("edge-0", credential="nobody").status == 404
    assert world.client.update("edge-0", credential="none").status == 200
    assert world.host().credential_id is None


def test_board_management_is_set_and_taken_back_as_a_whole(world: World) -> None:
    world.add()
    refused = world.client.update("edge-0", bm_type="ipmi", bm_ip="10.9.9.9")
    assert "username is not configured" in refused.sentence
    answer = world.client.update(
        "edge-0",
        bm_type="ipmi",
        bm_ip="10.9.9.9",
        bm_username="admin",
        bm_password="very secret",
    )
    assert answer.status == 200
    assert answer.json["bm_type"] == "ipmi"
    sealed = str(world.host().attributes["bm_password_sealed"])
    assert world.box.open(sealed) == "very secret"
    answer = world.client.update("edge-0", bm_type="none")
    assert (answer.json["bm_ip"], answer.json["bm_username"]) == (None, None)
    assert world.host().attributes == {}


def test_a_change_by_somebody_else_meanwhile_is_met_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add()
    change, calls = hosts.change, [0]

    def met(*args: Any, **values: Any) -> Any:
        calls[0] += 1
        if calls[0] == 1:
            raise HostGenerationConflict(hostname="edge-0")
        return change(*args, **values)

    monkeypatch.setattr(hosts, "change", met)
    assert world.client.update("edge-0", serialid="a").json["serialid"] == "a"
    calls[0] = -1
    monkeypatch.setattr(
        hosts, "change", lambda *_, **__: (_ for _ in ()).throw(_conflict())
    )
    answer = world.client.update("edge-0", serialid="b")
    assert answer.status == 409
    assert answer.fault["code"] == "hummingbird.host.generation_conflict"


def _conflict() -> HostGenerationConflict:
    return HostGenerationConflict(hostname="edge-0")


def test_the_address_stays_while_a_run_uses_it(world: World) -> None:
    world.add_ready()
    world.client.act("edge-0", "unlock")
    answer = world.client.update("edge-0", mgmt_ip="192.168.204.99")
    assert answer.status == 409
    world.end_runs()
    world.move("edge-0", Event.PROVISION_FAIL)
    assert world.client.update("edge-0", mgmt_ip="192.168.204.99").status == 200
