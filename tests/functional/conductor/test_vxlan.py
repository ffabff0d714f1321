# SPDX-License-Identifier: Apache-2.0
"""A host that is to be in the management network by VXLAN is brought in by the address that
it had before."""

from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.domain.emn import Attachment
from hummingbird.domain.host_state import HostState
from hummingbird.domain.vxlan import mac_of
from tests.fakes.ansible_runner import Outcome
from tests.fakes.world import World

INSIDE, BELOW = "192.168.204.131", "10.20.0.12"


def add(world: World) -> None:
    world.add_network("depot", "192.168.204.128/26", attachment=Attachment.VXLAN)
    world.add("edge-3", INSIDE, underlay=BELOW)


def test_the_first_step_goes_in_below_and_the_rest_inside(world: World) -> None:
    add(world)
    run = world.unlock("edge-3")
    world.settle()
    assert world.host("edge-3").state is HostState.ENABLED, world.run(run.uuid)
    plays = [
        (call.playbook, call.access.address, call.tags) for call in world.runner.calls
    ]
    assert plays == [
        ("provision", BELOW, ("vxlan",)),
        ("provision", INSIDE, ()),
    ]
    assert "vxlan" in [step for step, state in world.steps(run) if state == "done"]
    settings = dict(
        line.split("=", 1)
        for line in str(world.runner.calls[0].variables["vxlan_settings"]).splitlines()
    )
    assert settings == {
        "VNI": "1000",
        "PORT": "4789",
        "MTU": "1450",
        "MAC": mac_of(world.host("edge-3").uuid),
        "ADDRESS": f"{INSIDE}/24",
        "LOCAL": BELOW,
        "REMOTES": "192.168.204.2",
        "LAN": "''",
        "PEER": "192.168.204.2",
        "FIND_MTU": "yes",
    }
    assert world.runner.calls[1].variables["kubernetes_node_ip"] == INSIDE


def test_later_runs_go_inside_and_another_mtu_is_another_plan(world: World) -> None:
    add(world)
    world.unlock("edge-3")
    world.settle()
    world.lock("edge-3")
    world.settle()
    before = len(world.runner.calls)
    world.unlock("edge-3")
    world.settle()
    assert len(world.runner.calls) == before, "it was provisioned already"
    world.lock("edge-3")
    world.settle()
    world.links.set_mtu("mgmt0", 1400)
    world.unlock("edge-3")
    world.settle()
    (call,) = world.runner.calls[before:]
    assert (call.access.address, call.tags) == (INSIDE, ())
    assert "\nMTU=1350\n" in str(call.variables["vxlan_settings"])


def test_a_host_that_lost_its_end_is_entered_below_and_mended(world: World) -> None:
    add(world)
    world.unlock("edge-3")
    world.settle()
    box = world.boxes["edge-3"]
    box.inside, box.is_hung = None, True
    box.revived_by = frozenset({"restart_services"})
    world.live(60)
    plays = [(call.playbook, call.access.address) for call in world.runner.calls]
    assert plays[2:] == [("vxlan", BELOW), ("recover", BELOW)]
    assert world.host("edge-3").state is HostState.ENABLED


def test_a_host_behind_its_sites_gateway_needs_nothing(world: World) -> None:
    add(world)
    world.add("edge-4", "192.168.204.132")
    with world.database.writer() as connection:
        emns.change(
            connection,
            emns.find(connection, "depot"),
            gateway="edge-3",
            lan_interface="eth1",
        )
    world.unlock("edge-3")
    world.settle()
    world.unlock("edge-4")
    world.settle()
    first, *_, third = world.runner.calls
    assert "LAN=eth1" in str(first.variables["vxlan_settings"])
    assert (third.access.address, third.variables["vxlan_settings"]) == (
        "192.168.204.132",
        "",
    )


def test_an_end_that_does_not_come_up_fails_the_run(world: World) -> None:
    add(world)
    world.runner.script("provision", Outcome(fail_at="vxlan"))
    run = world.unlock("edge-3")
    world.settle()
    assert world.run(run.uuid).error_code == "hummingbird.run.failed"
    assert len(world.runner.calls) == 1


def test_inside_a_tunnel_the_vxlan_carries_the_management_network(
    world: World,
) -> None:
    world.add_network(
        "kiosks", "192.168.204.192/26", attachment=Attachment.WIREGUARD_VXLAN
    )
    world.add("edge-2", "192.168.204.193")
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-2")
        tunnel = tunnels.create(
            connection,
            host_id=host.id,
            overlay="100.126.0.0/16",
            now=world.clock.now(),
        )
        tunnels.change(connection, tunnel, public_key="y" * 42 + "8=")
    world.boxes["edge-2"].address = tunnel.address
    run = world.unlock("edge-2")
    world.settle()
    assert world.host("edge-2").state is HostState.ENABLED, world.run(run.uuid)
    first, second = world.runner.calls
    assert [call.access.address for call in (first, second)] == [tunnel.address] * 2
    assert (first.tags, second.tags) == (("vxlan",), ())
    assert second.variables["kubernetes_node_ip"] == "192.168.204.193"
    assert "NETWORKS=100.126.0.0/16\n" in str(second.variables["tunnel_settings"])
    vxlan = str(second.variables["vxlan_settings"])
    assert f"LOCAL={tunnel.address}\nREMOTES=100.126.0.1\n" in vxlan
    assert "MTU=1370\n" in vxlan
