# SPDX-License-Identifier: Apache-2.0
"""Our own processes are listed, up or down, and one that is gone for good is deleted."""

from hummingbird.api.http.presence import Presence, SharedWatch
from hummingbird.db.repository import lease, process
from hummingbird.domain.lease import FLEET
from tests.functional.api.conftest import World

ZERO, ONE = "controller-0.conductor", "controller-1.conductor"


def register(world: World, *names: str) -> None:
    with world.database.writer() as connection:
        for name in names:
            process.register(
                connection,
                name=name,
                kind=name.split(".")[1],
                incarnation=name,
                now=world.clock.now(),
            )


def beat(world: World, name: str) -> None:
    with world.database.writer() as connection:
        process.beat(connection, name=name, incarnation=name, now=world.clock.now())


def listed(world: World) -> dict[str, dict[str, object]]:
    found = world.client.get("/v1/processes").json["processes"]
    return {one["name"]: one for one in found}


def test_processes_are_up_until_they_are_silent_and_one_leads(world: World) -> None:
    register(world, ZERO, ONE, "controller-0.gateway.2131")
    with world.database.writer() as connection:
        owner = f"{ONE}/a-life"
        lease.create(connection, FLEET, owner=owner, until=world.clock.now())
    found = listed(world)
    assert {one["state"] for one in found.values()} == {"up"}
    assert [name for name, one in found.items() if one["leader"]] == [ONE]
    assert found[ZERO]["binary"] == "hummingbird-conductor"
    assert found[ZERO]["host"] == "controller-0"
    assert found[ZERO]["version"]
    world.clock.advance(61)
    beat(world, ZERO)
    found = listed(world)
    assert (found[ZERO]["state"], found[ONE]["state"]) == ("up", "down")
    assert found[ONE]["silent_seconds"] == 61.0
    with world.database.writer() as connection:
        process.unregister(connection, name=ZERO, incarnation=ZERO)
    assert listed(world)[ZERO]["state"] == "down", "it said goodbye"


def test_only_one_that_is_down_is_deleted(world: World) -> None:
    register(world, ZERO, ONE)
    listed(world)
    refused = world.client.delete(f"/v1/processes/{ONE}")
    assert (refused.status, refused.fault["code"]) == (409, "hummingbird.process.alive")
    world.clock.advance(61)
    beat(world, ZERO)
    assert world.client.delete(f"/v1/processes/{ONE}").status == 204
    assert list(listed(world)) == [ZERO]
    assert "alarm" in world.nudges
    assert world.client.delete(f"/v1/processes/{ONE}").status == 404


def test_an_api_is_one_of_them_and_says_when_it_ends(world: World) -> None:
    api = Presence(
        world.database,
        clock=world.clock,
        name="controller-0.api.6385",
        watch=SharedWatch(),
    )
    api.mind()
    assert listed(world)["controller-0.api.6385"]["state"] == "up"
    for _ in range(7):
        world.clock.advance(10)
        api.mind()
    assert listed(world)["controller-0.api.6385"]["state"] == "up"
    world.clock.advance(61)
    assert listed(world)["controller-0.api.6385"]["state"] == "down", "it is frozen"
    api.mind()
    assert listed(world)["controller-0.api.6385"]["state"] == "up"
    api.leave()
    assert listed(world)["controller-0.api.6385"]["state"] == "down"


def test_who_acts_is_said_with_the_reconcilers(world: World) -> None:
    register(world, ZERO)
    with world.database.writer() as connection:
        lease.create(connection, FLEET, owner=f"{ZERO}/x", until=world.clock.now())
    found = world.client.get("/v1/reconcilers").json["reconcilers"]
    assert {one["leader"] for one in found} <= {ZERO}
