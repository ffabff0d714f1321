# SPDX-License-Identifier: Apache-2.0
"""The controller's bridge follows the inventory."""

from typing import Any

import pytest

from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.domain.emn import Attachment
from hummingbird.domain.vxlan import (
    Bridge,
    Segment,
    Station,
    VxlanOptions,
    mac_of,
)
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.machine.vxlan import VxlanReconciler
from tests.fakes.bridges import FakeBridges
from tests.fakes.world import World

OPTIONS = VxlanOptions(bridge="hbvxlan", port=4789, endpoints=(), learning=False)
FIRST, SECOND = "10.20.0.12", "10.20.0.13"


class Controller:
    """A controller with its reconciler, and network depot, a part of the MN."""

    def __init__(self, world: World) -> None:
        self.world, self.bridges = world, FakeBridges()
        self.reconciler = VxlanReconciler(
            world.database,
            bridges=self.bridges,
            links=world.links,
            options=OPTIONS,
            period_seconds=10.0,
        )
        with world.database.writer() as connection:
            emns.create(
                connection,
                name="depot",
                cidr="192.168.204.128/26",
                attachment=Attachment.VXLAN,
                site=None,
                credential_id=None,
                now=world.clock.now(),
            )

    def add(self, name: str, address: str, underlay: str | None = None) -> None:
        self.world.add(name, address)
        self.change(name, underlay=underlay)

    def change(self, name: str, **values: Any) -> None:
        with self.world.database.writer() as connection:
            host = hosts.find(connection, name)
            hosts.change(connection, host, now=self.world.clock.now(), **values)

    def change_network(self, **values: Any) -> None:
        with self.world.database.writer() as connection:
            emns.change(connection, emns.find(connection, "depot"), **values)

    def mac(self, name: str) -> str:
        return mac_of(self.world.host(name).uuid)

    def look(self) -> Outcome:
        return self.reconciler.reconcile()

    @property
    def bridge(self) -> Bridge:
        return self.bridges.bridges["hbvxlan"]


@pytest.fixture
def controller(world: World) -> Controller:
    return Controller(world)


def test_without_a_host_that_has_an_end_there_is_nothing(
    controller: Controller,
) -> None:
    assert controller.look() == Outcome(looked_at=1)
    controller.add("edge-3", "192.168.204.131")
    assert controller.look() == Outcome(looked_at=1)
    assert controller.bridges.bridges == {}


def test_each_host_has_an_end_of_its_own(controller: Controller) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.add("edge-4", "192.168.204.132", SECOND)
    assert controller.look().changed == ("bridge hbvxlan made",)
    third, fourth = controller.mac("edge-3"), controller.mac("edge-4")
    assert controller.bridge == Bridge(
        name="hbvxlan",
        source="192.168.204.2",
        networks=frozenset({"192.168.204.128/26"}),
        neighbours={"192.168.204.131": third, "192.168.204.132": fourth},
        answers=frozenset({"192.168.204.131", "192.168.204.132"}),
        segments={
            1000: Segment(
                vni=1000,
                port=4789,
                mtu=1450,
                learning=False,
                remotes=frozenset({FIRST, SECOND}),
                stations=frozenset(
                    {
                        Station(mac=third, remote=FIRST),
                        Station(mac=fourth, remote=SECOND),
                    }
                ),
            )
        },
    )
    puts = controller.bridges.puts
    assert controller.look().changed == ()
    assert controller.bridges.puts == puts, "nothing differed, yet the kernel was asked"


def test_an_entry_that_somebody_deletes_is_back_with_the_next_look(
    controller: Controller,
) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.look()
    controller.bridges.stop_answering("192.168.204.131")
    assert controller.look().changed == ("proxy entry of 192.168.204.131 put right",)
    assert controller.bridge.answers == frozenset({"192.168.204.131"})
    assert controller.look().changed == ()


def test_a_site_with_a_gateway_has_its_end_alone(controller: Controller) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.add("edge-4", "192.168.204.132")
    controller.change_network(gateway="edge-3", lan_interface="eth1")
    controller.look()
    (segment,) = controller.bridge.segments.values()
    assert segment.remotes == frozenset({FIRST})
    # The other's MAC address is its own; who it is, is asked through the gateway.
    assert list(controller.bridge.neighbours) == ["192.168.204.131"]
    # Yet others on the MN find it at our place, for the way to it begins here.
    assert controller.bridge.answers == {"192.168.204.131", "192.168.204.132"}


def test_a_host_that_moves_or_goes_is_followed(controller: Controller) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.look()
    controller.change("edge-3", underlay=SECOND)
    assert set(controller.look().changed) == {
        f"hbvx1000: end {FIRST} removed",
        f"hbvx1000: end {SECOND} added",
        f"hbvx1000: {controller.mac('edge-3')} at {FIRST} removed",
        f"hbvx1000: {controller.mac('edge-3')} at {SECOND} added",
    }
    with controller.world.database.writer() as connection:
        hosts.remove(connection, hosts.find(connection, "edge-3").id)
    controller.look()
    assert controller.bridges.bridges == {}


def test_a_network_that_is_attached_otherwise_loses_its_device(
    controller: Controller,
) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.look()
    controller.change_network(attachment="routed")
    assert controller.look().changed == ("hbvx1000 removed: no network has it",) or (
        controller.bridges.bridges == {}
    )
    assert controller.bridges.bridges == {}


def test_what_somebody_deleted_is_back_after_one_look(controller: Controller) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.look()
    before = controller.bridge
    controller.bridges.lose(1000)
    assert controller.look().changed == ("hbvx1000 made",)
    assert controller.bridge == before


def test_what_fits_is_found_or_said(controller: Controller) -> None:
    controller.world.links.set_mtu("mgmt0", 1400)
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.look()
    assert controller.bridge.segments[1000].mtu == 1350
    controller.change_network(mtu=1200)
    assert controller.look().changed == ("hbvx1000 has an MTU of 1200",)


def test_an_operators_bridge_gets_the_port_alone(controller: Controller) -> None:
    controller.bridges.add_operators_bridge("hbvxlan")
    controller.add("edge-3", "192.168.204.131", FIRST)
    assert controller.look().changed == ("hbvx1000 made",)
    assert not controller.bridge.is_ours
    assert controller.bridge.networks == frozenset()


def test_what_can_not_be_made_is_said(controller: Controller) -> None:
    controller.add("edge-3", "192.168.204.131", FIRST)
    controller.bridges.broken = "(1, 'Operation not permitted')"
    (said,) = controller.look().failed
    assert "Operation not permitted" in said
    controller.bridges.broken = None
    controller.add("edge-4", "192.168.204.132", "fd00:20::12")
    (said,) = controller.look().failed
    assert "fd00:20::12 is of another family" in said
    controller.world.links.drop_routes("mgmt0")
    assert any("no address in mn" in one for one in controller.look().failed)


def test_the_end_inside_a_tunnel_is_its_address_there(controller: Controller) -> None:
    from hummingbird.db.repository import tunnel as tunnels

    controller.add("edge-3", "192.168.204.131")
    controller.change_network(attachment="wireguard+vxlan")
    controller.world.links.add("hummingbird0")
    controller.world.links.set_mtu("hummingbird0", 1420)
    controller.world.links.add_route("100.126.0.0/16", link="hummingbird0")
    controller.look()
    assert controller.bridges.bridges == {}
    with controller.world.database.writer() as connection:
        tunnels.create(
            connection,
            host_id=controller.world.host("edge-3").id,
            overlay="100.126.0.0/16",
            now=controller.world.clock.now(),
        )
    controller.look()
    segment = controller.bridge.segments[1000]
    assert (segment.remotes, segment.mtu) == (frozenset({"100.126.0.2"}), 1370)
