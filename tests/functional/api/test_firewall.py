# SPDX-License-Identifier: Apache-2.0
"""Which ports are needed can be asked for, all or by attachment."""

from tests.functional.api.conftest import World


def test_the_rules_of_one_attachment(world: World) -> None:
    every = world.client.get("/v1/firewall").json["rules"]
    some = world.client.get("/v1/firewall", attachment="wireguard").json["rules"]
    assert [rule for rule in every if rule["attachment"] == "wireguard"] == some
    (outside,) = [rule for rule in some if rule["where"] == "outside"]
    assert outside == {
        "attachment": "wireguard",
        "where": "outside",
        "from": "host",
        "to": "controller",
        "protocol": "udp",
        "port": "51820",
        "needed": "always",
        "why": "the WireGuard tunnel",
    }
    refused = world.client.get("/v1/firewall", attachment="pigeon")
    assert (refused.status, refused.fault["code"]) == (400, "hummingbird.bad_request")
