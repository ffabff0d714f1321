# SPDX-License-Identifier: Apache-2.0
"""No request's cost grows with the number of hosts unless it lists them.

Not measured in time: each statement that a request sends is explained by the database,
and none may walk through a table that has rows for each host; and with twenty times the
hosts it sends the same number of statements.
"""

from collections.abc import Callable
from typing import Any

import pytest

from hummingbird.api.routes import ROUTES
from hummingbird.db.repository import host as hosts
from tests.explain import Watched
from tests.functional.api.conftest import World

OF_ONE = [
    path.replace("{host}", "edge-3").replace("{collection}", "iinterfaces")
    for method, path, _ in ROUTES
    if method == "GET" and "{host}" in path
]


def grow(world: World, first: int, last: int) -> None:
    """Add hosts as they are in the database, without the API's help."""
    with world.database.writer() as connection:
        for index in range(first, last):
            hosts.create(
                connection,
                hostname=f"edge-{index}",
                mgmt_mac=f"52:54:01:00:{index // 256:02x}:{index % 256:02x}",
                mgmt_ip=f"192.168.204.{index}" if index < 11 else None,
                underlay=None,
                emn_id=1,
                credential_id=None,
                serialid=None,
                location={},
                capabilities={},
                attributes={},
                now=world.clock.now(),
            )


def new_host(world: World, name: str, last: int) -> Any:
    body = {
        "hostname": name,
        "personality": "edgeworker",
        "mgmt_mac": f"52:54:02:00:00:{last:02x}",
        "mgmt_ip": f"192.168.205.{last}",
        "bm_type": "redfish",
        "bm_ip": f"10.99.0.{last}",
        "bm_username": "admin",
        "bm_password": "x",
    }
    return world.client.post("/v1/ihosts", body)


WRITES: dict[str, Callable[[World, int], Any]] = {
    "add": lambda world, turn: new_host(world, f"new-{turn}", 100 + turn),
    "delete": lambda world, turn: world.client.delete(f"/v1/ihosts/edge-{turn + 4}"),
    "patch": lambda world, turn: world.client.update("edge-3", serialid=f"n{turn}"),
    "address": lambda world, turn: world.client.update(
        "edge-3", mgmt_ip=f"192.168.205.{turn + 1}"
    ),
    "board": lambda world, turn: world.client.update(
        "edge-3",
        bm_type="redfish",
        bm_ip=f"10.99.1.{turn + 1}",
        bm_username="admin",
        bm_password="x",
    ),
    "action": lambda world, turn: world.client.act(f"edge-{turn + 2}", "unlock"),
}


@pytest.fixture
def watched(world: World) -> Watched:
    world.client.post("/v1/emns", {"name": "more", "cidr": "192.168.205.0/24"})
    grow(world, 1, 11)
    world.add_ready("ready")  # so that there is a credential to unlock with
    return Watched(world.database)


def costs_the_same(world: World, watched: Watched, ask: Callable[[int], Any]) -> None:
    """See that `ask` walks through no table, and asks no more when there are more."""
    counts = []
    for turn in (0, 1, 2):
        with watched.watching():
            answer = ask(turn)
        assert answer.status in (200, 204, 404), answer.body
        assert watched.walks == []
        counts.append(len(watched.statements))
        if turn == 1:
            grow(world, 11, 220)
    # The first time something may be looked up that is kept.
    assert counts[1] == counts[2] > 0


@pytest.mark.parametrize("path", OF_ONE)
def test_what_is_read_of_one_host(world: World, watched: Watched, path: str) -> None:
    costs_the_same(world, watched, lambda _turn: world.client.get(path))


@pytest.mark.parametrize("what", WRITES)
def test_what_is_written_of_one_host(world: World, watched: Watched, what: str) -> None:
    costs_the_same(world, watched, lambda turn: WRITES[what](world, turn))


def test_the_runs_of_one_host(world: World, watched: Watched) -> None:
    costs_the_same(
        world, watched, lambda _turn: world.client.get("/v1/runs", host="edge-3")
    )
    costs_the_same_again = world.client.get("/v1/runs/edge-3")
    assert costs_the_same_again.status == 404


def test_a_page_of_hosts(world: World, watched: Watched) -> None:
    marker = world.client.get("/v1/ihosts/edge-3").json["uuid"]
    costs_the_same(
        world,
        watched,
        lambda _turn: world.client.get("/v1/ihosts", limit=3, marker=marker),
    )


def test_a_walk_is_noticed(world: World, watched: Watched) -> None:
    with watched.watching():
        answer = world.client.get("/v1/ihosts", sort_key="created_at")
    assert answer.status == 200
    # A list walks, or else the other tests would see nothing either.
    assert any(walk.startswith("host:") for walk in watched.walks)
