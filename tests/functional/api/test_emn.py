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
    assert answer.sentence == "EMN mn still has 1 hosts; delete those first."
