# SPDX-License-Identifier: Apache-2.0
"""What a controller's interfaces have is kept for it, and for nobody else."""

import pytest

from hummingbird.db.repository import address
from hummingbird.errors import AddressReserved
from hummingbird.reconcilers.machine.own_address import OwnAddressReconciler
from tests.fakes.world import World

OWN = ["192.168.204.2", "127.0.0.1", "::1", "172.17.0.1", "10.20.0.1"]


def reconciler(
    world: World, own: list[str], controller: str = "controller-0"
) -> OwnAddressReconciler:
    return OwnAddressReconciler(
        world.database,
        clock=world.clock,
        addresses=lambda: own,
        controller=controller,
        period_seconds=60.0,
    )


def kept(world: World) -> dict[str, str]:
    with world.database.reader() as connection:
        return {
            one.address: one.name
            for one in address.list_all(connection)
            if one.name != "edge-0-mgmt"  # the fixture's
        }


def test_no_host_gets_a_controllers_address(world: World) -> None:
    outcome = reconciler(world, OWN).reconcile()
    assert outcome.changed == ("192.168.204.2 is kept for this controller",)
    assert kept(world) == {"192.168.204.2": "controller controller-0"}
    with pytest.raises(AddressReserved, match="kept for controller controller-0"):
        world.add("edge-9", "192.168.204.2")
    again = reconciler(world, OWN).reconcile()
    assert (again.looked_at, again.changed, again.failed) == (1, (), ())


def test_what_is_added_and_taken_away_is_followed(world: World) -> None:
    own = list(OWN)
    looks = reconciler(world, own)
    looks.reconcile()
    world.add_network("shops", "10.20.0.0/24")
    assert set(kept(world)) == {"192.168.204.2"}
    looks.reconcile()
    assert set(kept(world)) == {"192.168.204.2", "10.20.0.1"}
    own.remove("192.168.204.2")
    outcome = looks.reconcile()
    assert outcome.changed == ("192.168.204.2 is not this controller's any more",)
    world.add("edge-9", "192.168.204.2")


def test_two_controllers_share_what_both_have(world: World) -> None:
    first = reconciler(world, OWN)
    second = reconciler(world, [*OWN, "192.168.204.3"], "controller-1")
    first.reconcile()
    outcome = second.reconcile()
    assert outcome.failed == ()
    assert kept(world) == {
        "192.168.204.2": "controller controller-0",
        "192.168.204.3": "controller controller-1",
    }
    assert first.reconcile().changed == ()


def test_an_address_that_a_host_has_is_reported(world: World) -> None:
    world.add("edge-9", "192.168.204.2")
    outcome = reconciler(world, OWN).reconcile()
    assert outcome.failed == (
        "192.168.204.2 is this controller's own address and edge-9-mgmt as well",
    )
    assert kept(world) == {"192.168.204.2": "edge-9-mgmt"}
