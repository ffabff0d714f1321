# SPDX-License-Identifier: Apache-2.0
"""Networks of hosts: added, changed, refused, deleted."""

import pytest

from tests.functional.api.conftest import World

SHOPS = {"name": "shops", "cidr": "10.20.0.0/24"}


def test_the_management_network_is_there_from_the_start(world: World) -> None:
    (mn,) = world.client.get("/v1/emns").json["emns"]
    assert list(mn) == [
        "id",
        "uuid",
        "name",
        "cidr",
        "attachment",
        "site",
        "credential",
        "gateway",
        "mtu",
        "vni",
        "lan_interface",
        "dynamic",
        "created_at",
    ]
    assert (mn["name"], mn["cidr"], mn["attachment"], mn["site"]) == (
        "mn",
        "192.168.204.0/24",
        "direct",
        "mn",
    )


def test_a_network_is_added_shown_changed_and_deleted(world: World) -> None:
    client = world.client
    answer = client.post("/v1/emns", SHOPS)
    assert answer.status == 201
    added = answer.json
    assert (added["attachment"], added["site"]) == ("routed", "shops")
    for name in ("shops", added["uuid"], str(added["id"])):
        assert client.get(f"/v1/emns/{name}").json == added
    client.post("/v1/credentials", {"name": "shop", "user": "edge", "password": "x"})
    changed = client.patch("/v1/emns/shops", {"credential": "shop", "site": "ulm"})
    assert changed.json == {**added, "credential": "shop", "site": "ulm"}
    assert client.delete("/v1/credentials/shop").status == 409
    assert client.patch("/v1/emns/shops", {"credential": None}).status == 200
    assert client.delete("/v1/emns/shops").status == 204
    assert client.get("/v1/emns/shops").status == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**SHOPS, "cidr": "10.20.0.1/24"}, 400, "hummingbird.emn.invalid"),
        ({"name": "shops"}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "name": "Shops!"}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "name": "77"}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "attachment": "magic"}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "foo": 1}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "name": "mn"}, 409, "hummingbird.emn.taken"),
        ({**SHOPS, "cidr": "192.168.0.0/16"}, 409, "hummingbird.emn.taken"),
        ({**SHOPS, "credential": "nobody"}, 404, "hummingbird.not_found"),
        (
            {**SHOPS, "cidr": "10.20.0.0/24,10.21.0.0/24"},
            400,
            "hummingbird.emn.invalid",
        ),
        ({**SHOPS, "cidr": "10.20.0.0/24,"}, 400, "hummingbird.emn.invalid"),
        (
            {**SHOPS, "cidr": "fd00::/64,192.168.0.0/16"},
            409,
            "hummingbird.emn.taken",
        ),
        ({**SHOPS, "mtu": 200}, 400, "hummingbird.emn.invalid"),
        ({**SHOPS, "cidr": "fd00::/64", "mtu": 1000}, 400, "hummingbird.emn.invalid"),
        ({**SHOPS, "mtu": True}, 400, "hummingbird.bad_request"),
        ({**SHOPS, "gateway": "no host"}, 400, "hummingbird.bad_request"),
        ([], 400, "hummingbird.bad_request"),
    ],
)
def test_a_bad_network_is_refused(
    world: World, body: object, status: int, code: str
) -> None:
    answer = world.client.post("/v1/emns", body)
    assert (answer.status, answer.fault["code"]) == (status, code)
    assert len(world.client.get("/v1/emns").json["emns"]) == 1


def test_the_addresses_of_a_network_do_not_change(world: World) -> None:
    answer = world.client.patch("/v1/emns/mn", {"cidr": "10.0.0.0/24"})
    assert answer.status == 400


def test_a_network_with_hosts_stays(world: World) -> None:
    world.add_ready()
    answer = world.client.delete("/v1/emns/mn")
    assert answer.status == 409
    assert answer.sentence == "EMN mn still has hosts (1); delete those first."


def test_a_network_has_ipv4_ipv6_or_both(world: World) -> None:
    client = world.client
    both = {"name": "both", "cidr": " fd00:20::/64, 10.20.0.0/24"}
    assert client.post("/v1/emns", both).json["cidr"] == "10.20.0.0/24,fd00:20::/64"
    assert (
        client.post("/v1/emns", {"name": "six", "cidr": "fd00:21::/64"}).status == 201
    )
    for address, emn in (
        ("10.20.0.11", "both"),
        ("fd00:20::11", "both"),
        ("fd00:21::11", "six"),
    ):
        name = f"edge-{emn}-{address[:2]}"
        world.add(name, mgmt_ip=address)
        host = world.host(name)
        assert client.get(f"/v1/emns/{host.emn_id}").json["name"] == emn


def test_an_address_in_the_place_of_a_network_is_told_which_network_it_means(
    world: World,
) -> None:
    for cidr, meant in (
        ("10.20.0.5/24", "10.20.0.0/24"),
        ("10.20.0.0/24, fd00:20::1/64", "10.20.0.0/24,fd00:20::/64"),
    ):
        answer = world.client.post("/v1/emns", {"name": "shops", "cidr": cidr})
        assert answer.status == 400
        assert answer.sentence.endswith(f"has host bits set. Do you mean {meant}?")


def test_a_gateway_and_an_mtu_are_set_and_taken_back(world: World) -> None:
    client = world.client
    given = {**SHOPS, "gateway": "gate-0", "mtu": 1400}
    added = client.post("/v1/emns", given).json
    assert (added["gateway"], added["mtu"]) == ("gate-0", 1400)
    changed = client.patch("/v1/emns/shops", {"gateway": "10.20.0.1", "mtu": None})
    assert (changed.json["gateway"], changed.json["mtu"]) == ("10.20.0.1", None)
    assert client.patch("/v1/emns/shops", {"mtu": 3}).status == 400


def test_a_host_of_a_vxlan_is_not_unlocked_before_its_end_is_known(
    world: World,
) -> None:
    client = world.client
    client.post("/v1/emns", DEPOT)
    world.add_ready("edge-3")
    client.update("edge-3", mgmt_ip="192.168.204.131")
    answer = client.act("edge-3", "unlock")
    assert answer.status == 400
    assert answer.fault["code"] == "hummingbird.vxlan.underlay_missing"
    client.patch("/v1/emns/depot", {"gateway": "edge-3"})
    client.update("edge-3", underlay="10.40.0.11")
    answer = client.act("edge-3", "unlock")
    assert answer.fault["code"] == "hummingbird.vxlan.gateway_unknown"
    client.patch("/v1/emns/depot", {"lan_interface": "eth1"})
    assert client.act("edge-3", "unlock").status == 200


DEPOT = {"name": "depot", "cidr": "192.168.204.128/26", "attachment": "vxlan"}


def test_a_part_of_the_management_network_is_attached_by_vxlan(world: World) -> None:
    client = world.client
    depot = client.post("/v1/emns", DEPOT)
    assert (depot.status, depot.json["vni"]) == (201, 1000)
    kiosks = {"name": "kiosks", "cidr": "192.168.204.192/26", "attachment": "vxlan"}
    assert client.post("/v1/emns", kiosks).json["vni"] == 1001

    body = {"hostname": "edge-3", "personality": "edgeworker"}
    body |= {"mgmt_mac": "02:00:00:00:00:03", "mgmt_ip": "192.168.204.131"}
    added = client.post("/v1/ihosts", {**body, "underlay": "10.40.0.11"})
    assert (added.status, added.json["underlay"]) == (200, "10.40.0.11")
    assert world.host("edge-3").emn_id == depot.json["id"]
    gateway = {"gateway": "edge-3", "lan_interface": "eth1"}
    changed = client.patch("/v1/emns/depot", gateway)
    assert {key: changed.json[key] for key in gateway} == gateway

    body |= {"hostname": "edge-4", "mgmt_ip": "192.168.204.132"}
    body |= {"mgmt_mac": "02:00:00:00:00:04", "underlay": "10.40.0.11"}
    taken = client.post("/v1/ihosts", body)
    assert taken.fault["code"] == "hummingbird.vxlan.underlay_taken"
    moved = [{"op": "replace", "path": "/underlay", "value": "10.40.0.12"}]
    assert client.patch("/v1/ihosts/edge-3", moved).json["underlay"] == "10.40.0.12"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"cidr": "10.20.0.0/24"}, 400, "vxlan.outside_management_network"),
        ({"cidr": "192.168.204.0/23"}, 400, "vxlan.outside_management_network"),
        ({"vni": 0}, 400, "emn.invalid"),
        ({"vni": 2**24}, 400, "emn.invalid"),
        ({"vni": "7"}, 400, "bad_request"),
        ({"lan_interface": "../eth1"}, 400, "bad_request"),
        ({"lan_interface": "-a"}, 400, "bad_request"),
    ],
)
def test_what_vxlan_can_not_do_is_refused(
    world: World, change: dict[str, object], status: int, code: str
) -> None:
    answer = world.client.post("/v1/emns", {**DEPOT, **change})
    assert (answer.status, answer.fault["code"]) == (status, f"hummingbird.{code}")
    assert len(world.client.get("/v1/emns").json["emns"]) == 1


def test_two_networks_have_not_the_same_vni(world: World) -> None:
    world.client.post("/v1/emns", {**DEPOT, "vni": 7})
    other = {"name": "kiosks", "cidr": "192.168.204.192/26", "attachment": "vxlan"}
    answer = world.client.post("/v1/emns", {**other, "vni": 7})
    assert (answer.status, answer.fault["code"]) == (409, "hummingbird.vxlan.vni_taken")
