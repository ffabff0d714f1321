# SPDX-License-Identifier: Apache-2.0
"""Addresses: chosen, given, added beside the first, and taken back."""

import ipaddress

import pytest

from tests.functional.api.addressing import pools, refused, replace_in_pool, shops
from tests.functional.api.conftest import Answer, World


def test_a_chosen_address_is_shown_as_sysinv_shows_it(world: World) -> None:
    host = world.add(mgmt_ip="192.168.204.82")
    (pool,) = pools(world)
    (short,) = world.client.get("/v1/ihosts/edge-0/addresses").json["addresses"]
    assert short == {
        "uuid": short["uuid"],
        "interface_uuid": None,
        "ifname": None,
        "address": "192.168.204.82",
        "prefix": 24,
        "enable_dad": False,
        "forihostid": host["id"],
        "pool_uuid": pool["uuid"],
    }
    assert world.client.get("/v1/addresses").json == {"addresses": [short]}
    full = world.client.get(f"/v1/addresses/{short['uuid']}").json
    assert list(full) == [
        "id",
        "uuid",
        "interface_uuid",
        "ifname",
        "address",
        "prefix",
        "name",
        "enable_dad",
        "forihostid",
        "pool_uuid",
        "created_at",
        "updated_at",
    ]
    assert full["name"] == "edge-0-mgmt"
    assert world.client.get(f"/v1/addresses/{full['id']}").json == full
    world.client.update("edge-0", mgmt_ip="192.168.204.83")
    moved = world.client.get(f"/v1/addresses/{full['id']}").json
    assert (moved["address"], moved["uuid"]) == ("192.168.204.83", full["uuid"])
    world.client.delete("/v1/ihosts/edge-0")
    assert world.client.get("/v1/addresses").json == {"addresses": []}
    assert world.client.get(f"/v1/addresses/{full['uuid']}").status == 404
    assert world.client.get("/v1/addresses/nonsense").status == 404


def test_a_host_without_an_address_gets_one_only_where_a_network_says_so(
    world: World,
) -> None:
    assert world.add("edge-0")["mgmt_ip"] is None
    answer = world.client.patch("/v1/emns/mn", {"dynamic": True})
    assert answer.json["dynamic"] is True
    assert world.client.get("/v1/networks/mn").json["dynamic"] is True
    given = world.add("edge-1")["mgmt_ip"]
    assert ipaddress.ip_address(given) in ipaddress.ip_network("192.168.204.0/24")
    assert world.host("edge-1").emn_id == world.client.get("/v1/emns/mn").json["id"]
    shops(world, dynamic=True)
    assert world.add("edge-2")["mgmt_ip"].startswith("192.168.204.")
    world.client.patch("/v1/emns/mn", {"dynamic": False})
    assert world.add("edge-3")["mgmt_ip"].startswith("10.20.0.")


def test_a_sequential_pool_gives_upwards_and_around_what_is_taken(world: World) -> None:
    shops(world)
    changed = replace_in_pool(
        world,
        "shops-ipv4",
        order="sequential",
        ranges=[["10.20.0.20", "10.20.0.21"], ["10.20.0.10", "10.20.0.12"]],
        gateway_address="10.20.0.11",
    )
    assert changed.status == 200
    assert changed.json["ranges"] == [
        ["10.20.0.10", "10.20.0.12"],
        ["10.20.0.20", "10.20.0.21"],
    ]
    world.add("chosen", mgmt_ip="10.20.0.20")
    given = [world.add(f"edge-{n}", emn="shops")["mgmt_ip"] for n in range(3)]
    assert given == ["10.20.0.10", "10.20.0.12", "10.20.0.21"]
    sentence = refused(
        world.client.post(
            "/v1/ihosts",
            {
                "hostname": "edge-9",
                "personality": "edgeworker",
                "mgmt_mac": "52:54:00:00:01:00",
                "emn": "shops",
            },
        ),
        409,
        "hummingbird.address_pool.full",
    )
    assert "shops-ipv4 has no free address" in sentence
    assert world.client.get("/v1/ihosts/edge-9").status == 404
    world.client.delete("/v1/ihosts/edge-1")
    again = world.add("edge-3", emn="shops", mgmt_mac="52:54:00:00:01:00")
    assert again["mgmt_ip"] == "10.20.0.12"


def test_a_random_pool_gives_each_of_its_addresses_once(world: World) -> None:
    shops(world)
    ranges = [["10.20.0.10", "10.20.0.13"], ["10.20.0.30", "10.20.0.33"]]
    replace_in_pool(world, "shops-ipv4", ranges=ranges)
    given = {world.add(f"edge-{n}", emn="shops")["mgmt_ip"] for n in range(8)}
    assert given == {f"10.20.0.{n}" for n in (10, 11, 12, 13, 30, 31, 32, 33)}


def test_a_host_of_a_network_of_two_families_has_an_address_of_each(
    world: World,
) -> None:
    shops(world, "fd00:20::/64,10.20.0.0/24")
    for name in ("shops-ipv4", "shops-ipv6"):
        replace_in_pool(world, name, order="sequential")
    host = world.add("edge-0", emn="shops")
    assert host["mgmt_ip"] == "10.20.0.1"
    path = "/v1/ihosts/edge-0/addresses"

    def addresses() -> list[str]:
        found = world.client.get(path).json["addresses"]
        assert {one["forihostid"] for one in found} <= {host["id"]}
        return [one["address"] for one in found]

    assert addresses() == ["10.20.0.1", "fd00:20::1"]
    assert world.client.get(path).json["addresses"][1]["enable_dad"] is True
    # Another address takes the place of the one of its family.
    assert world.client.update("edge-0", mgmt_ip="FD00:20::0007").status == 200
    assert world.host().mgmt_ip == "fd00:20::7"
    assert addresses() == ["10.20.0.1", "fd00:20::7"]
    # In another network the host has what it is given there.
    assert world.client.update("edge-0", mgmt_ip="192.168.204.7").status == 200
    assert addresses() == ["192.168.204.7"]
    assert world.client.update("edge-0", mgmt_ip="none").status == 200
    assert addresses() == []


def test_a_second_address_is_added_and_taken_back(world: World) -> None:
    shops(world, "10.20.0.0/24,fd00:20::/64")
    world.add("edge-0", mgmt_ip="10.20.0.5")
    world.add("edge-1")

    def add(host: str, address: str) -> Answer:
        return world.client.post("/v1/addresses", {"host": host, "address": address})

    code = "hummingbird.address.refused"
    assert "already" in refused(add("edge-0", "10.20.0.6"), 400, code)
    assert "mgmt_ip" in refused(add("edge-0", "192.168.204.6"), 400, code)
    assert "mgmt_ip" in refused(add("edge-1", "fd00:20::5"), 400, code)
    answer = add("edge-0", "fd00:20:0::5")
    assert (answer.status, answer.json["address"]) == (200, "fd00:20::5")
    assert answer.json["name"] == "edge-0-mgmt"
    world.add("edge-2", mgmt_ip="10.20.0.7")
    refused(add("edge-2", "fd00:20::5"), 409, "hummingbird.host.address_taken")
    first, second = world.client.get("/v1/ihosts/edge-0/addresses").json["addresses"]
    path = "/v1/addresses/" + first["uuid"]
    assert "is the mgmt_ip" in refused(world.client.delete(path), 400, code)
    assert world.client.delete("/v1/addresses/" + second["uuid"]).status == 204
    world.add_ready("edge-3")
    world.enable("edge-3")
    refused(add("edge-3", "fd00:20::9"), 400, "hummingbird.host.not_locked")


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("10.20.0.0", 400, "hummingbird.address.not_usable"),
        ("10.20.0.255", 400, "hummingbird.address.not_usable"),
        ("fd00:20::", 400, "hummingbird.address.not_usable"),
        ("10.20.0.1", 409, "hummingbird.address.reserved"),
        ("10.20.0.2", 409, "hummingbird.address.reserved"),
        ("10.20.0.3", 409, "hummingbird.address.reserved"),
        ("10.20.0.4", 409, "hummingbird.address.reserved"),
        ("::ffff:10.20.0.1", 409, "hummingbird.address.reserved"),
        ("::ffff:10.20.0.9", 409, "hummingbird.host.address_taken"),
        ("10.20.0.9", 409, "hummingbird.host.address_taken"),
        ("FD00:0020:0:0::0009", 409, "hummingbird.host.address_taken"),
        ("10.9.9.9", 409, "hummingbird.host.address_taken"),
        ("10.30.0.1", 400, "hummingbird.host.address_outside_every_network"),
        ("127.0.0.1", 400, "hummingbird.host.address_outside_every_network"),
        ("fe80::1%eth0", 400, "hummingbird.host.address_invalid"),
        ("10.20.0.010", 400, "hummingbird.host.address_invalid"),
        ("10.20.0.1/24", 400, "hummingbird.host.address_invalid"),
    ],
)
def test_an_address_that_a_host_can_not_have_is_refused(
    world: World, address: str, status: int, code: str
) -> None:
    shops(world, "10.20.0.0/24,fd00:20::/64")
    world.client.post("/v1/emns", {"name": "boards", "cidr": "10.9.9.0/24"})
    world.add("edge-8", mgmt_ip="10.20.0.9", bm_ip="10.9.9.9")
    world.client.post("/v1/addresses", {"host": "edge-8", "address": "fd00:20::9"})
    kept = {
        "gateway_address": "10.20.0.1",
        "floating_address": "10.20.0.2",
        "controller0_address": "10.20.0.3",
        "controller1_address": "10.20.0.4",
    }
    assert replace_in_pool(world, "shops-ipv4", **kept).status == 200
    world.add("edge-0")
    refused(world.client.update("edge-0", mgmt_ip=address), status, code)
    body = {
        "hostname": "edge-1",
        "personality": "edgeworker",
        "mgmt_mac": "52:54:00:00:01:00",
        "mgmt_ip": address,
    }
    refused(world.client.post("/v1/ihosts", body), status, code)
    assert world.host().mgmt_ip is None
    assert world.client.get("/v1/ihosts/edge-1").status == 404


def test_a_network_that_was_named_has_the_address_that_was_chosen(world: World) -> None:
    shops(world)
    body = {
        "hostname": "edge-0",
        "personality": "edgeworker",
        "mgmt_mac": "52:54:00:00:01:00",
        "mgmt_ip": "192.168.204.9",
        "emn": "shops",
    }
    code = "hummingbird.address.refused"
    sentence = refused(world.client.post("/v1/ihosts", body), 400, code)
    assert sentence == "192.168.204.9 is in EMN mn, not in shops."
    nobody = world.client.post("/v1/ihosts", {**body, "emn": "nobody"})
    assert nobody.status == 404
