# SPDX-License-Identifier: Apache-2.0
"""What hosts are made of and when they were heard."""

from datetime import timedelta
from typing import Any

from hummingbird.api.view.inventory import COLLECTIONS as VIEWS
from hummingbird.db.repository import facts, heartbeat
from hummingbird.domain.heartbeat import Heartbeat
from tests.fakes.inventory import full
from tests.functional.api.conftest import World
from tests.functional.api.sysinv_host import COLLECTIONS

REPORT: dict[str, Any] = {
    "system": {"kernel_running": "6.1.0-18-amd64", "os_id": "debian"},
    "inodes": [{"numa_node": 0}],
    "icpus": [
        {"cpu": 0, "core": 0, "thread": 0, "cpu_family": "6", "cpu_model": "Atom"},
        {"cpu": 1, "core": 1, "thread": 0, "cpu_family": "6", "cpu_model": "Atom"},
    ],
    "imemories": [{"numa_node": 0, "memtotal_mib": 3900}],
    "idisks": [
        {
            "device_node": "/dev/sda",
            "device_num": 2048,
            "device_type": "SSD",
            "device_path": "/dev/disk/by-path/pci-0",
            "size_mib": 30517,
        }
    ],
    "ports": [{"pname": "eth0", "mac": "52:54:00:aa:bb:01", "mtu": 1500}],
}
SECTIONS = {view.section for view in VIEWS.values()}
PORT_KEYS = [
    "uuid",
    "type",
    "name",
    "namedisplay",
    "pciaddr",
    "dev_id",
    "pclass",
    "pvendor",
    "pdevice",
    "psvendor",
    "psdevice",
    "numa_node",
    "sriov_totalvfs",
    "sriov_numvfs",
    "sriov_vfs_pci_address",
    "sriov_vf_driver",
    "sriov_vf_pdevice_id",
    "driver",
    "capabilities",
    "numchannels",
    "maxchannels",
    "sriov_vf_numchannels",
    "sriov_vf_maxchannels",
    "dpdksupport",
    "host_uuid",
    "interface_uuid",
    "node_uuid",
    "links",
    "lldp_agents",
    "lldp_neighbours",
    "created_at",
    "updated_at",
]


def _report(
    world: World, body: dict[str, Any], *, name: str = "edge-0", stream: str = "a"
) -> None:
    with world.database.writer() as connection:
        facts.take(
            connection,
            host_id=world.host(name).id,
            change=full(body, stream=stream),
            now=world.clock.now(),
            history_most=100,
        )


def test_every_sub_collection_is_there_and_empty_before_a_report(world: World) -> None:
    world.add()
    for name in {*COLLECTIONS, "addresses", "routes"} - {"ports"}:
        answer = world.client.get(f"/v1/ihosts/edge-0/{name}")
        assert (answer.status, answer.json) == (200, {name: []})
        assert world.client.get(f"/v1/ihosts/edge-9/{name}").status == 404
    assert world.client.get("/v1/ihosts/edge-0/facts").status == 404
    assert world.client.get("/v1/ihosts/edge-0/kernel").json["kernel_running"] is None


def test_a_port_of_which_nothing_is_known_keeps_sysinvs_client_from_its_error(
    world: World,
) -> None:
    world.add()
    (port,) = world.client.get("/v1/ihosts/edge-0/ports").json["ports"]
    assert list(port) == PORT_KEYS
    assert (port["name"], port["pdevice"], port["interface_uuid"]) == (None,) * 3
    _report(world, REPORT)
    (port,) = world.client.get("/v1/ihosts/edge-0/ports").json["ports"]
    assert port["name"] == "eth0"


def test_a_report_fills_sysinvs_sub_collections(world: World) -> None:
    uuid = world.add()["uuid"]
    _report(world, REPORT)

    def rows(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = world.client.get(
            f"/v1/ihosts/{uuid}/{name}"
        ).json[name]
        return found

    (node,) = rows("inodes")
    assert [cpu["cpu"] for cpu in rows("icpus")] == [0, 1]
    assert {cpu["inode_uuid"] for cpu in rows("icpus")} == {node["uuid"]}
    (memory,) = rows("imemorys")
    assert (memory["memtotal_mib"], memory["inode_uuid"]) == (3900, node["uuid"])
    (disk,) = rows("idisks")
    assert (disk["device_node"], disk["size_mib"]) == ("/dev/sda", 30517)
    (port,) = rows("ports")
    assert list(port) == PORT_KEYS
    (ethernet_port,) = rows("ethernet_ports")
    assert ethernet_port["uuid"] == port["uuid"]
    assert ethernet_port["mac"] == "52:54:00:aa:bb:01"
    assert set(PORT_KEYS) - set(ethernet_port) == {"lldp_agents", "lldp_neighbours"}
    assert rows("icpus") == rows("icpus")
    kernel = world.client.get(f"/v1/ihosts/{uuid}/kernel").json
    assert kernel["kernel_running"] == "6.1.0-18-amd64"


def test_a_report_that_is_odd_breaks_nothing(world: World) -> None:
    world.add()
    odd: dict[str, Any] = {
        name: [5, {}, {"uses": 7, "addresses": [1, "x"], "size_mib": "many"}]
        for name in SECTIONS
    }
    _report(world, {**odd, "icpus": "many", "system": []})
    for name in COLLECTIONS:
        assert world.client.get(f"/v1/ihosts/edge-0/{name}").status == 200


def test_the_age_of_a_report_is_shown(world: World) -> None:
    world.add()
    _report(world, REPORT)
    world.clock.advance(90)
    answer = world.client.get("/v1/ihosts/edge-0/facts").json
    assert answer["hostname"] == "edge-0"
    assert answer["age_seconds"] == 90.0
    assert answer["facts"] == REPORT


def test_heartbeats_are_a_row_a_host(world: World) -> None:
    for name in ("edge-0", "edge-1"):
        world.add(name)
    with world.database.writer() as connection:
        heartbeat.put(
            connection,
            [
                Heartbeat(
                    host_id=world.host().id,
                    last_heard_at=world.clock.now() - timedelta(seconds=21),
                    period_seconds=10.0,
                    boot_id="b",
                    uptime_seconds=77,
                    beats=5,
                )
            ],
        )
    first, second = world.client.get("/v1/heartbeats").json["heartbeats"]
    assert first["hostname"] == "edge-0"
    assert (first["age_seconds"], first["liveness"]) == (21.0, "late")
    assert (first["uptime"], first["beats"], first["boot_id"]) == (77, 5, "b")
    assert (second["liveness"], second["last_heard_at"]) == ("unknown", None)
    assert world.client.get("/v1/heartbeats/edge-0").json == first
