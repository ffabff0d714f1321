# SPDX-License-Identifier: Apache-2.0
"""A whole inventory in sysinv's collections, and each of its items by its uuid."""

from typing import Any

import pytest

from hummingbird.api.contract.shape import NUMBER, TEXT, UUID, maybe
from hummingbird.api.view.inventory import COLLECTIONS, PARTS
from hummingbird.api.view.inventory_shape import ITEMS
from hummingbird.db.repository import facts
from tests.fakes.inventory import delta, full
from tests.functional.api.conftest import World

INVENTORY: dict[str, Any] = {
    "system": {"kernel_running": "6.1.0-18-amd64"},
    "inodes": [{"numa_node": 0, "cpus": 2}],
    "icpus": [
        {"cpu": n, "core": n, "thread": 0, "numa_node": 0, "cpu_model": "Atom"}
        for n in range(2)
    ],
    "imemories": [
        {"numa_node": 0, "memtotal_mib": 3900, "vm_hugepages_nr_2M": 8},
    ],
    "idisks": [
        {"device_node": "/dev/sda", "device_path": "p0", "size_mib": 30517},
    ],
    "partitions": [
        {
            "device_node": "/dev/sda1",
            "device_path": "p0-part1",
            "disk": "/dev/sda",
            "start_mib": 1,
            "end_mib": 512,
            "size_mib": 511,
            "type_guid": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "type_name": "EFI System",
        },
        {
            "device_node": "/dev/sda2",
            "device_path": "p0-part2",
            "disk": "/dev/sda",
            "size_mib": 30000,
        },
    ],
    "pvs": [
        {
            "lvm_pv_name": "/dev/sda2",
            "lvm_vg_name": "vg",
            "lvm_pv_uuid": "hPvg",
            "lvm_pv_size": 31457280000,
            "lvm_pe_total": 7500,
            "lvm_pe_alloced": 2500,
        }
    ],
    "lvgs": [
        {
            "lvm_vg_name": "vg",
            "lvm_vg_access": "wz--n-",
            "lvm_vg_size": 31457280000,
            "lvm_vg_total_pe": 7500,
            "lvm_vg_free_pe": 5000,
            "lvm_cur_pv": 1,
            "lvm_cur_lv": 2,
        }
    ],
    "filesystems": [
        {"mount": "/", "device": "/dev/vg/root", "fs_type": "ext4", "size_mib": 1025},
    ],
    "ports": [{"pname": "eth0", "mac": "52:54:00:aa:bb:01", "mtu": 1500}],
    "interfaces": [
        {
            "ifname": "eth0",
            "iftype": "ethernet",
            "imac": "52:54:00:aa:bb:01",
            "imtu": 1500,
            "addresses": ["192.168.204.50/24", "fd00::50/64"],
        },
        {
            "ifname": "eth0.7",
            "iftype": "vlan",
            "vlan_id": 7,
            "imtu": 1500,
            "uses": ["eth0"],
        },
    ],
    "pci_devices": [
        {
            "name": "pci_0000_00_1f_6",
            "pciaddr": "0000:00:1f.6",
            "pclass_id": "020000",
            "pvendor": "Intel Corporation",
            "enabled": True,
        }
    ],
    "sensors": [
        {
            "sensorname": "coretemp Core 0",
            "path": "platform/coretemp.0/temp2",
            "sensortype": "temperature",
            "status": "ok",
            "t_critical_upper": "105",
        }
    ],
    "lldp_agents": [{"port_name": "eth0", "status": "rx=enabled,tx=disabled"}],
    "lldp_neighbours": [
        {"port_name": "eth0", "msap": "00:1b:21:00:00:01,Gi1/0/7", "system_name": "s"}
    ],
}


def take(world: World, change: Any, *, name: str = "edge-0") -> None:
    with world.database.writer() as connection:
        facts.take(
            connection,
            host_id=world.host(name).id,
            change=change,
            now=world.clock.now(),
            history_most=100,
        )


def rows(world: World, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client.get(f"/v1/ihosts/edge-0/{kind}").json[
        kind
    ]
    return found


@pytest.fixture
def reported(world: World) -> World:
    world.add(mgmt_ip="192.168.204.50")
    take(world, full(INVENTORY))
    return world


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_each_item_is_found_by_its_uuid_and_survives_reports(
    reported: World, kind: str
) -> None:
    before = rows(reported, kind)
    assert before
    take(reported, full(INVENTORY, stream="b"))
    for row in before:
        answer = reported.client.get(f"/v1/{kind}/{row['uuid']}")
        assert answer.status == 200
        assert row.items() <= answer.json.items()
        assert answer.json["links"][0]["href"].endswith(f"/v1/{kind}/{row['uuid']}")
    missing = reported.client.get(f"/v1/{kind}/87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a")
    assert missing.status == 404
    assert reported.client.get(f"/v1/{kind}/nonsense").status == 404


@pytest.mark.parametrize(("of", "kind"), PARTS)
def test_what_hangs_on_an_item_is_listed_there(
    reported: World, of: str, kind: str
) -> None:
    on = {
        row["uuid"]: reported.client.get(f"/v1/{of}/{row['uuid']}/{kind}").json[kind]
        for row in rows(reported, of)
    }
    found = [row for some in on.values() for row in some]
    assert found == rows(reported, kind)
    field = PARTS[of, kind]
    assert all(row[field] == uuid for uuid, some in on.items() for row in some)


def test_storage_hangs_together(reported: World) -> None:
    (disk,) = rows(reported, "idisks")
    boot, data = rows(reported, "partitions")
    (volume,) = rows(reported, "ipvs")
    (group,) = rows(reported, "ilvgs")
    assert boot["idisk_uuid"] == data["idisk_uuid"] == disk["uuid"]
    assert (boot["ipv_uuid"], data["ipv_uuid"]) == (None, volume["uuid"])
    assert volume["pv_type"] == "partition"
    assert volume["disk_or_part_uuid"] == data["uuid"]
    assert volume["disk_or_part_device_path"] == "p0-part2"
    assert volume["ilvg_uuid"] == group["uuid"]
    assert group["lvm_vg_avail_size"] == 31457280000 * 5000 // 7500
    (root,) = rows(reported, "host_fs")
    assert (root["name"], root["size"]) == ("/", 2)
    assert root["logical_volume"] == "/dev/vg/root"


def test_the_interface_with_the_hosts_address_is_the_platforms(
    reported: World,
) -> None:
    eth0, vlan = rows(reported, "iinterfaces")
    assert (eth0["ifclass"], vlan["ifclass"]) == ("platform", None)
    assert (eth0["ipv4_mode"], eth0["ipv6_mode"]) == ("static", "static")
    assert (eth0["used_by"], vlan["uses"]) == (["eth0.7"], ["eth0"])
    assert (vlan["iftype"], vlan["vlan_id"]) == ("vlan", 7)
    (port,) = rows(reported, "ports")
    assert port["interface_uuid"] == eth0["uuid"]
    one = reported.client.get(f"/v1/iinterfaces/{eth0['uuid']}").json
    assert one.keys() - eth0.keys() == {"ports", "ifcapabilities"}


def test_the_platforms_interface_is_in_the_hosts_network(reported: World) -> None:
    (row,) = rows(reported, "interface_networks")
    eth0, vlan = rows(reported, "iinterfaces")
    network = reported.client.get(f"/v1/networks/{row['network_uuid']}").json
    assert (row["ifname"], row["interface_uuid"]) == ("eth0", eth0["uuid"])
    assert (row["network_type"], network["type"]) == ("mgmt", "mgmt")
    for interface, found in ((eth0, [row]), (vlan, [])):
        path = f"/v1/iinterfaces/{interface['uuid']}/interface_networks"
        assert reported.client.get(path).json == {"interface_networks": found}


def test_a_sensor_that_the_hardware_calls_hot_is_critical_and_in_history(
    reported: World,
) -> None:
    (sensor,) = rows(reported, "isensors")
    assert (sensor["status"], sensor["unit_base"]) == ("ok", "degrees")
    hot = {**INVENTORY["sensors"][0], "status": "critical"}
    take(reported, delta(INVENTORY, {"sensors": [hot]}))
    assert rows(reported, "isensors") == [
        sensor | {"status": "critical", "created_at": sensor["created_at"]}
    ]
    (row,) = reported.client.get("/v1/ihosts/edge-0/history").json["history"]
    assert (row["from"], row["to"]) == ({"status": "ok"}, {"status": "critical"})


def test_pci_devices_of_all_hosts_are_one_list(reported: World) -> None:
    reported.add("edge-1")
    reported.add("edge-2")
    take(reported, full(INVENTORY), name="edge-1")
    found = reported.client.get("/v1/pci_devices").json["pci_devices"]
    uuids = {reported.host(name).uuid for name in ("edge-0", "edge-1")}
    assert {row["host_uuid"] for row in found} == uuids
    assert found[0]["pvendor"] == "Intel Corporation"
    page = reported.client.get("/v1/pci_devices", limit=1).json
    assert page["pci_devices"] == found[:1]
    rest = reported.client.get("/v1/pci_devices", marker=found[0]["uuid"]).json
    assert rest["pci_devices"] == found[1:]


def test_a_host_is_inventoried_with_its_first_report(world: World) -> None:
    world.add()
    assert world.client.get("/v1/ihosts/edge-0").json["inv_state"] is None
    take(world, full(INVENTORY))
    assert world.client.get("/v1/ihosts/edge-0").json["inv_state"] == "inventoried"


def test_history_says_what_became_what_and_when(reported: World) -> None:
    assert reported.client.get("/v1/ihosts/edge-0/history").json == {"history": []}
    reported.clock.advance(3600)
    port = {**INVENTORY["ports"][0], "mtu": 9000}
    take(
        reported,
        delta(INVENTORY, {"ports": [port]}, seen_at=0, sent_at=60_000),
    )
    after = {**INVENTORY, "ports": [port]}
    reported.clock.advance(60)
    take(reported, delta(after, {"pci_devices": []}, sequence=3))
    gone, grown = reported.client.get("/v1/ihosts/edge-0/history").json["history"]
    assert (grown["section"], grown["item"]) == ("ports", "eth0")
    assert (grown["from"], grown["to"]) == ({"mtu": 1500}, {"mtu": 9000})
    assert grown["received_at"] == "2026-01-01T01:00:00+00:00"
    assert grown["seen_at"] == "2026-01-01T00:59:00+00:00"
    assert (gone["item"], gone["to"]) == ("0000:00:1f.6", None)


def test_history_comes_in_pages_and_from_a_time_on(reported: World) -> None:
    state = INVENTORY
    for number in range(2, 6):
        reported.clock.advance(60)
        changed = {"system": {"kernel_running": f"6.{number}"}}
        take(reported, delta(state, changed, sequence=number))
        state = {**state, **changed}
    url = "/v1/ihosts/edge-0/history"

    def kernels(**query: Any) -> list[str]:
        found = reported.client.get(url, **query).json["history"]
        return [row["to"] for row in found]

    assert kernels() == ["6.5", "6.4", "6.3", "6.2"]
    assert kernels(since="2026-01-01T00:03:00") == ["6.5", "6.4"]
    assert kernels(section="ports") == []
    page = reported.client.get(url, limit=2).json
    assert [row["to"] for row in page["history"]] == ["6.5", "6.4"]
    assert "marker=" in page["next"]
    assert kernels(limit=2, marker=page["history"][-1]["id"]) == ["6.3", "6.2"]
    for wrong in ({"since": "soon"}, {"limit": "-1"}, {"marker": "x"}, {"who": "me"}):
        assert reported.client.get(url, **wrong).status == 400
    assert reported.client.get("/v1/ihosts/edge-9/history").status == 404


def test_an_address_is_on_the_interface_that_the_agent_told(reported: World) -> None:
    client = reported.client
    (mine,) = client.get("/v1/ihosts/edge-0/addresses").json["addresses"]
    (platform,) = [row for row in rows(reported, "iinterfaces") if row["ifclass"]]
    on = (platform["uuid"], platform["ifname"])
    assert (mine["interface_uuid"], mine["ifname"]) == on
    listed = client.get("/v1/addresses").json["addresses"]
    shown = client.get(f"/v1/addresses/{mine['uuid']}").json
    assert [one for one in listed if one["uuid"] == mine["uuid"]] == [mine]
    assert (shown["interface_uuid"], shown["ifname"]) == on
    take(reported, full({**INVENTORY, "interfaces": []}, stream="b"))
    (mine,) = client.get("/v1/ihosts/edge-0/addresses").json["addresses"]
    assert (mine["interface_uuid"], mine["ifname"]) == (None, None)


def test_the_document_says_what_an_item_has_and_of_which_type() -> None:
    disk = ITEMS["idisks"].fields
    assert (disk["size_mib"], disk["device_node"]) == (maybe(NUMBER), maybe(TEXT))
    assert (disk["available_mib"], disk["uuid"]) == (NUMBER, UUID)
    assert ITEMS["ilvgs"].fields["lvm_vg_uuid"] == maybe(TEXT), "LVM has its own"
    assert ITEMS["iinterfaces"].fields["ipv6_mode"] == maybe(TEXT)
    assert ITEMS["iinterfaces"].optional == {"ports", "ifcapabilities"}
    assert not any(thing.is_open for thing in ITEMS.values())
