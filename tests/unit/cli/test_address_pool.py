# SPDX-License-Identifier: Apache-2.0
"""The commands of pools, addresses and networks send what was said."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run, Server

POOL: dict[str, Any] = {
    "uuid": "af56003f-3984-4af0-923b-dcbb06383ff4",
    "name": "shops-ipv4",
    "network": "10.20.0.0",
    "prefix": 24,
    "order": "random",
    "ranges": [["10.20.0.1", "10.20.0.9"], ["10.20.0.20", "10.20.0.29"]],
    "emn": "shops",
}


def test_a_pool_is_added_with_what_was_said_and_no_more(
    hummingbird: Run, server: Server
) -> None:
    server.on("POST", "/v1/addrpools", POOL)
    assert hummingbird("addrpool-add", "p", "10.20.0.0", "24").status == 0
    done = hummingbird(
        *("addrpool-add", "p", "fd00::", "64", "--emn", "shops", "-f", "json"),
        *("--ranges", "fd00::1-fd00::9,fd00::20-fd00::29", "--order", "sequential"),
        *("--gateway-address", "fd00::1"),
    )
    assert json.loads(done.out) == POOL
    first, second = (asked.body for asked in server.asked)
    assert first == {"name": "p", "network": "10.20.0.0", "prefix": 24}
    assert second == {
        "name": "p",
        "network": "fd00::",
        "prefix": 64,
        "ranges": [["fd00::1", "fd00::9"], ["fd00::20", "fd00::29"]],
        "order": "sequential",
        "emn": "shops",
        "gateway_address": "fd00::1",
    }


def test_a_pool_is_changed(hummingbird: Run, server: Server) -> None:
    server.on("PATCH", "/v1/addrpools/shops-ipv4", POOL)
    words = ("--cidr", "10.20.0.0/22", "--gateway-address", "none", "--name", "new")
    assert hummingbird("addrpool-update", "shops-ipv4", *words).status == 0
    assert server.asked[0].body == {
        "name": "new",
        "network": "10.20.0.0",
        "prefix": 22,
        "gateway_address": "none",
    }
    nothing = hummingbird("addrpool-update", "shops-ipv4")
    assert (nothing.status, len(server.asked)) == (1, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("--ranges", "10.20.0.1"),
        ("--ranges", "10.20.0.1-"),
        ("--cidr", "10.20.0.0"),
        ("--order", "backwards"),
    ],
)
def test_what_makes_no_sense_asks_nobody(
    words: tuple[str, ...], hummingbird: Run, server: Server
) -> None:
    assert hummingbird("addrpool-update", "shops-ipv4", *words).status == 2
    assert server.asked == []


def test_pools_are_listed_for_people_and_programs(
    hummingbird: Run, server: Server
) -> None:
    server.on("GET", "/v1/addrpools", {"addrpools": [POOL]})
    table = hummingbird("addrpool-list", "--type", "mgmt").out
    assert "10.20.0.1, 10.20.0.9" in table
    assert server.asked[0].query == {"network_type": "mgmt"}
    (row,) = json.loads(hummingbird("addrpool-list", "-f", "json").out)
    assert row["ranges"] == POOL["ranges"]


def test_addresses_and_networks_are_asked_for(hummingbird: Run, server: Server) -> None:
    address = {"uuid": "503d9123", "address": "10.20.0.5", "prefix": 24}
    network = {"id": 1, "name": "mn", "type": "mgmt", "dynamic": False}
    server.on("GET", "/v1/ihosts/edge-0/addresses", {"addresses": [address]})
    server.on("GET", "/v1/addresses", {"addresses": [address]})
    server.on("POST", "/v1/addresses", address)
    server.on("DELETE", "/v1/addresses/503d9123", None, status=204)
    server.on("GET", "/v1/networks", {"networks": [network]})
    server.on("GET", "/v1/networks/mn", network)
    assert "10.20.0.5" in hummingbird("host-addr-list", "edge-0").out
    assert "10.20.0.5" in hummingbird("address-list").out
    assert hummingbird("host-addr-add", "edge-0", "fd00::5").status == 0
    assert server.asked[-1].body == {"host": "edge-0", "address": "fd00::5"}
    done = hummingbird("host-addr-delete", "503d9123")
    assert (done.status, done.out) == (0, "503d9123: deleted\n")
    assert "mgmt" in hummingbird("network-list").out
    assert "mgmt" in hummingbird("network-show", "mn").out


def test_a_host_is_added_to_a_network(hummingbird: Run, server: Server) -> None:
    server.on("POST", "/v1/ihosts", {"hostname": "edge-0"})
    hummingbird("host-add", "-n", "edge-0", "--emn", "shops")
    assert server.asked[0].body["emn"] == "shops"
    assert "mgmt_ip" not in server.asked[0].body


def test_a_network_gives_addresses_or_does_not(
    hummingbird: Run, server: Server
) -> None:
    server.on("PATCH", "/v1/emns/mn", {"name": "mn"})
    hummingbird("emn-update", "mn", "--dynamic")
    hummingbird("emn-update", "mn", "--no-dynamic")
    assert [asked.body for asked in server.asked] == [
        {"dynamic": True},
        {"dynamic": False},
    ]
