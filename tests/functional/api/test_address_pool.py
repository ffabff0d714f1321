# SPDX-License-Identifier: Apache-2.0
"""Networks and pools, as StarlingX's clients see them and as we add to them."""

from typing import Any

import pytest

from tests.functional.api.addressing import pools, refused, replace_in_pool, shops
from tests.functional.api.conftest import World

POOL_KEYS = [
    "uuid",
    "name",
    "network",
    "prefix",
    "family",
    "order",
    "controller0_address",
    "controller0_address_id",
    "controller1_address",
    "controller1_address_id",
    "floating_address",
    "floating_address_id",
    "gateway_address",
    "gateway_address_id",
    "ranges",
    "emn",
]
"""As a real sysinv answered, and ours at the end."""


def test_a_networks_pools_are_there_with_it(world: World) -> None:
    emn = shops(world, "10.20.0.0/24,fd00:20::/64")
    mn_pool, four, six = pools(world)
    assert list(four) == POOL_KEYS
    assert (mn_pool["name"], mn_pool["emn"]) == ("mn-ipv4", "mn")
    assert (four["network"], four["prefix"], four["family"]) == ("10.20.0.0", 24, 4)
    assert (six["network"], six["prefix"], six["family"]) == ("fd00:20::", 64, 6)
    assert four["ranges"] == [["10.20.0.1", "10.20.0.254"]]
    assert six["ranges"] == [["fd00:20::1", "fd00:20::ffff:ffff:ffff:fffe"]]
    assert four["order"] == "random"
    mn, network = world.client.get("/v1/networks").json["networks"]
    assert list(mn) == [
        "id",
        "uuid",
        "type",
        "name",
        "dynamic",
        "pool_uuid",
        "primary_pool_family",
    ]
    assert (mn["type"], mn["pool_uuid"]) == ("mgmt", mn_pool["uuid"])
    assert network == {
        "id": emn["id"],
        "uuid": emn["uuid"],
        "type": "other",
        "name": "shops",
        "dynamic": False,
        "pool_uuid": four["uuid"],
        "primary_pool_family": "IPv4",
    }
    for name in ("shops", emn["uuid"], str(emn["id"])):
        assert world.client.get(f"/v1/networks/{name}").json == network
    assert [pool["name"] for pool in pools(world, network_type="mgmt")] == ["mn-ipv4"]
    assert len(pools(world, network_type="other")) == 2
    assert pools(world, network_type="oam") == []
    assert world.client.delete("/v1/emns/shops").status == 204
    assert [pool["name"] for pool in pools(world)] == ["mn-ipv4"]


def test_a_pool_is_added_as_system_does_and_joined_to_a_network(world: World) -> None:
    shops(world)
    answer = world.client.post(
        "/v1/addrpools",
        {
            "name": "Shops-6",
            "network": "fd00:20::",
            "prefix": "64",
            "order": "sequential",
            "ranges": [["fd00:20::100", "fd00:20::1ff"]],
            "gateway_address": "fd00:20::1",
        },
    )
    assert answer.status == 200, answer.body
    pool = answer.json
    assert list(pool) == POOL_KEYS
    assert (pool["emn"], pool["gateway_address"]) == (None, "fd00:20::1")
    assert isinstance(pool["gateway_address_id"], int)
    kept = world.client.get(f"/v1/addresses/{pool['gateway_address_id']}").json
    assert (kept["address"], kept["forihostid"]) == ("fd00:20::1", None)
    outside = "hummingbird.host.address_outside_every_network"
    world.add("edge-0")
    refused(world.client.update("edge-0", mgmt_ip="fd00:20::2"), 400, outside)
    joined = world.client.patch(f"/v1/addrpools/{pool['uuid']}", {"emn": "shops"})
    assert joined.json == {**pool, "emn": "shops"}
    shown = world.client.get("/v1/emns/shops").json
    assert shown["cidr"] == "10.20.0.0/24,fd00:20::/64"
    assert world.client.update("edge-0", mgmt_ip="fd00:20::2").status == 200
    in_use = "hummingbird.address_pool.in_use"
    path = "/v1/addrpools/Shops-6"
    refused(world.client.delete(path), 409, in_use)
    refused(world.client.patch(path, {"emn": None}), 409, in_use)
    world.client.update("edge-0", mgmt_ip="none")
    assert world.client.delete(path).status == 204
    assert world.client.get("/v1/emns/shops").json["cidr"] == "10.20.0.0/24"
    sentence = refused(world.client.delete("/v1/addrpools/shops-ipv4"), 409, in_use)
    assert "the only one of EMN shops" in sentence


BAD = {
    "name": "bad",
    "network": "10.30.0.0",
    "prefix": 24,
}


INVALID = "hummingbird.address_pool.invalid"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": None}, 400, "hummingbird.bad_request"),
        ({"name": "77"}, 400, "hummingbird.bad_request"),
        ({"name": "a b"}, 400, "hummingbird.bad_request"),
        ({"network": None}, 400, "hummingbird.bad_request"),
        ({"network": "10.30.0.1"}, 400, INVALID),
        ({"network": "127.0.0.0", "prefix": 8}, 400, INVALID),
        ({"network": "224.0.0.0"}, 400, INVALID),
        ({"network": "fe80::", "prefix": 64}, 400, INVALID),
        ({"prefix": 33}, 400, INVALID),
        ({"prefix": "abc"}, 400, "hummingbird.bad_request"),
        ({"prefix": True}, 400, "hummingbird.bad_request"),
        ({"order": "backwards"}, 400, "hummingbird.bad_request"),
        ({"family": 6}, 400, "hummingbird.bad_request"),
        ({"ranges": "10.30.0.1-10.30.0.9"}, 400, INVALID),
        ({"ranges": [["10.30.0.9", "10.30.0.1"]]}, 400, INVALID),
        (
            {"ranges": [["10.30.0.0", "10.30.0.9"]]},
            400,
            "hummingbird.address.not_usable",
        ),
        ({"ranges": [["10.30.0.1", "10.31.0.9"]]}, 400, INVALID),
        ({"ranges": [["fd00::1", "fd00::2"]]}, 400, INVALID),
        ({"ranges": [["10.30.0.1"]]}, 400, INVALID),
        (
            {"ranges": [["10.30.0.1", "10.30.0.9"], ["10.30.0.9", "10.30.0.12"]]},
            400,
            INVALID,
        ),
        ({"gateway_address": "10.31.0.1"}, 400, INVALID),
        ({"gateway_address": "10.30.0.255"}, 400, "hummingbird.address.not_usable"),
        (
            {"gateway_address": "10.30.0.1", "floating_address": "10.30.0.1"},
            400,
            INVALID,
        ),
        (
            {"network": "192.168.0.0", "prefix": 16},
            409,
            "hummingbird.address_pool.taken",
        ),
        (
            {"network": "192.168.204.64", "prefix": 26},
            409,
            "hummingbird.address_pool.taken",
        ),
        ({"name": "mn-ipv4"}, 409, "hummingbird.address_pool.taken"),
        ({"emn": "mn"}, 409, "hummingbird.address_pool.taken"),
        ({"emn": "nobody"}, 404, "hummingbird.not_found"),
    ],
)
def test_a_bad_pool_is_refused(
    world: World, change: dict[str, Any], status: int, code: str
) -> None:
    refused(world.client.post("/v1/addrpools", {**BAD, **change}), status, code)
    assert [pool["name"] for pool in pools(world)] == ["mn-ipv4"]


def test_a_pool_grows_and_shrinks_around_the_addresses_in_use(world: World) -> None:
    shops(world)
    world.add("edge-0", mgmt_ip="10.20.0.200")
    grown = replace_in_pool(world, "shops-ipv4", network="10.20.0.0", prefix=22)
    assert grown.status == 200, grown.body
    assert grown.json["ranges"] == [["10.20.0.1", "10.20.3.254"]]
    assert world.client.get("/v1/emns/shops").json["cidr"] == "10.20.0.0/22"
    world.add("edge-1", mgmt_ip="10.20.3.1")
    in_use = "hummingbird.address_pool.in_use"
    sentence = refused(replace_in_pool(world, "shops-ipv4", prefix=24), 409, in_use)
    assert sentence == "10.20.3.1 (edge-1-mgmt) is not in 10.20.0.0/24."
    taken = replace_in_pool(world, "shops-ipv4", network="192.168.0.0", prefix=16)
    assert taken.status == 409
    world.client.delete("/v1/ihosts/edge-1")
    assert replace_in_pool(world, "shops-ipv4", prefix=24).status == 200
    assert world.client.get("/v1/emns/shops").json["cidr"] == "10.20.0.0/24"
    assert world.client.delete("/v1/emns/shops").status == 409


def test_what_a_pool_keeps_is_changed_and_given_back(world: World) -> None:
    world.add("edge-0", mgmt_ip="192.168.204.9")
    reserved = "hummingbird.host.address_taken"
    taken = replace_in_pool(world, "mn-ipv4", gateway_address="192.168.204.9")
    refused(taken, 409, reserved)
    first = replace_in_pool(world, "mn-ipv4", gateway_address="192.168.204.1").json
    assert first["gateway_address"] == "192.168.204.1"
    # It may become another's in one step.
    second = replace_in_pool(
        world,
        "mn-ipv4",
        gateway_address="192.168.204.254",
        floating_address="192.168.204.1",
    ).json
    assert second["floating_address"] == "192.168.204.1"
    path = "/v1/addrpools/mn-ipv4"
    remove = [{"op": "remove", "path": "/floating_address"}]
    third = world.client.patch(path, remove).json
    assert (third["floating_address"], third["floating_address_id"]) == (None, None)
    assert world.client.get(path).json == third
    assert world.client.update("edge-0", mgmt_ip="192.168.204.1").status == 200
    for body in ([{"op": "replace", "path": "/uuid", "value": "x"}], {"foo": 1}, "x"):
        assert world.client.patch(path, body).status == 400


def test_lists_are_whole_or_in_pages_as_sysinvs(world: World) -> None:
    for number in range(3):
        cidr = f"10.2{number}.0.0/24"
        world.client.post("/v1/emns", {"name": f"shop-{number}", "cidr": cidr})
        world.add(f"edge-{number}", mgmt_ip=f"10.2{number}.0.9")
    for resource, key in (("networks", "name"), ("addrpools", "name")):
        path = f"/v1/{resource}"
        whole = world.client.get(path).json
        assert list(whole) == [resource]
        names = [item[key] for item in whole[resource]]
        assert len(names) == 4
        page = world.client.get(path, limit=3, sort_key=key, sort_dir="desc").json
        assert [item[key] for item in page[resource]] == sorted(names)[::-1][:3]
        marker = page[resource][-1]["uuid"]
        assert page["next"] == (
            f"http://edge.example:6385{path}?sort_key={key}&sort_dir=desc&limit=3"
            f"&marker={marker}"
        )
        query = {"sort_key": key, "sort_dir": "desc", "marker": marker}
        rest = world.client.get(path, **query).json
        assert [item[key] for item in rest[resource]] == [min(names)]
        assert world.client.get(path, foo=1).status == 400
        assert world.client.get(path, limit=-1).status == 400
        assert world.client.get(path, sort_key="nosuch").status == 400
        assert world.client.get(path, marker="nobody").status == 404
    page = world.client.get("/v1/addresses", limit=2, sort_dir="desc").json
    assert [one["address"] for one in page["addresses"]] == ["10.22.0.9", "10.21.0.9"]
    marker = page["addresses"][-1]["uuid"]
    rest = world.client.get("/v1/addresses", marker=marker, sort_dir="desc").json
    assert [one["address"] for one in rest["addresses"]] == ["10.20.0.9"]
    assert world.client.get("/v1/addresses", foo=1).status == 400


def test_a_network_that_is_a_part_of_the_mn_has_a_pool_of_its_own(
    world: World,
) -> None:
    world.client.patch("/v1/emns/mn", {"dynamic": True})
    world.add("edge-0", mgmt_ip="192.168.204.140")
    plant = {
        "name": "plant",
        "cidr": "192.168.204.128/26",
        "attachment": "vxlan",
    }
    in_use = "hummingbird.address_pool.in_use"
    sentence = refused(world.client.post("/v1/emns", plant), 409, in_use)
    assert "192.168.204.140 (edge-0-mgmt)" in sentence
    world.client.delete("/v1/ihosts/edge-0")
    assert world.client.post("/v1/emns", plant).status == 201
    world.add("edge-1", mgmt_ip="192.168.204.140")
    world.add("edge-2", mgmt_ip="192.168.204.2", mgmt_mac="52:54:00:00:01:00")
    emns = {one["id"]: one["name"] for one in world.client.get("/v1/emns").json["emns"]}
    assert emns[world.host("edge-1").emn_id or 0] == "plant"
    assert emns[world.host("edge-2").emn_id or 0] == "mn"
    # What is the part's is not given out by the whole.
    ranges = [["192.168.204.126", "192.168.204.193"]]
    replace_in_pool(world, "mn-ipv4", order="sequential", ranges=ranges)
    given = [
        world.add(f"edge-{n}", mgmt_mac=f"52:54:00:00:01:0{n}")["mgmt_ip"]
        for n in range(3, 7)
    ]
    assert [address.rpartition(".")[2] for address in given] == [
        "126",
        "127",
        "192",
        "193",
    ]
    refused(replace_in_pool(world, "mn-ipv4", prefix=23), 409, in_use)
    refused(replace_in_pool(world, "plant-ipv4", prefix=27), 409, in_use)


def test_a_pool_is_assigned_to_a_network_as_system_does_it(world: World) -> None:
    emn = shops(world)
    spare = {"name": "spare", "network": "fd00:20::", "prefix": 64}
    pool = world.client.post("/v1/addrpools", spare).json
    path = "/v1/network_addresspools"
    names = [one["address_pool_name"] for one in world.client.get(path).json[path[4:]]]
    assert names == ["mn-ipv4", "shops-ipv4"]
    body = {"address_pool_uuid": pool["uuid"], "network_uuid": emn["uuid"]}
    assigned = world.client.post(path, body).json
    assert assigned == {
        "id": assigned["id"],
        "uuid": assigned["uuid"],
        "address_pool_id": assigned["id"],
        "address_pool_uuid": pool["uuid"],
        "address_pool_name": "spare",
        "network_id": emn["id"],
        "network_uuid": emn["uuid"],
        "network_name": "shops",
    }
    one = f"{path}/{assigned['uuid']}"
    assert world.client.get(one).json == assigned
    shown = world.client.get("/v1/emns/shops").json
    assert shown["cidr"] == "10.20.0.0/24,fd00:20::/64"
    refused(world.client.post(path, body), 409, "hummingbird.address_pool.taken")
    world.add("edge-0", mgmt_ip="fd00:20::5")
    in_use = "hummingbird.address_pool.in_use"
    refused(world.client.delete(one), 409, in_use)
    world.client.delete("/v1/ihosts/edge-0")
    assert world.client.delete(one).status == 204
    assert world.client.get(one).status == 404
    assert world.client.get("/v1/emns/shops").json["cidr"] == "10.20.0.0/24"
    for change in ({"network_uuid": None}, {"foo": 1}):
        assert world.client.post(path, {**body, **change}).status == 400


def test_a_network_is_added_and_deleted_as_system_does_it(world: World) -> None:
    client = world.client
    spare = {"name": "spare", "network": "10.30.0.0", "prefix": 24}
    pool = client.post("/v1/addrpools", spare).json
    body = {"name": "kiosks", "type": "other", "dynamic": "true"}
    body["pool_uuid"] = pool["uuid"]
    added = client.post("/v1/networks", body).json
    assert (added["name"], added["type"], added["dynamic"]) == ("kiosks", "other", True)
    assert added["pool_uuid"] == pool["uuid"]
    assert client.get(f"/v1/networks/{added['uuid']}").json == added
    shown = client.get("/v1/emns/kiosks").json
    assert (shown["cidr"], shown["attachment"]) == ("10.30.0.0/24", "routed")
    refused(client.post("/v1/networks", body), 409, "hummingbird.address_pool.taken")
    world.add("edge-0", mgmt_ip="10.30.0.5")
    path = f"/v1/networks/{added['uuid']}"
    assert client.delete(path).status == 409
    client.delete("/v1/ihosts/edge-0")
    assert client.delete(path).status == 204
    assert client.get("/v1/emns/kiosks").status == 404
    (left,) = [one for one in pools(world) if one["name"] == "spare"]
    assert (left["uuid"], left["emn"]) == (pool["uuid"], None)
    assert client.post("/v1/networks", body).status == 200


def test_what_is_no_network_of_ours_is_refused(world: World) -> None:
    client = world.client
    pool = client.post(
        "/v1/addrpools", {"name": "spare", "network": "10.30.0.0", "prefix": 24}
    ).json
    good = {"name": "kiosks", "type": "other", "pool_uuid": pool["uuid"]}
    for change, status in (
        ({"type": "mgmt"}, 400),
        ({"name": "a b"}, 400),
        ({"pool_uuid": None}, 400),
        ({"foo": 1}, 400),
        ({"pool_uuid": "nothing"}, 404),
        ({"name": "mn"}, 409),
    ):
        assert client.post("/v1/networks", {**good, **change}).status == status, change
    kept = client.delete("/v1/networks/mn")
    refused(kept, 400, "hummingbird.not_done_here")
    assert client.delete("/v1/networks/nothing").status == 404
    assert [one["name"] for one in client.get("/v1/networks").json["networks"]] == [
        "mn"
    ]
