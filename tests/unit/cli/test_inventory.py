# SPDX-License-Identifier: Apache-2.0
"""What a host is made of, from the command line."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hummingbird.cli import inventory
from hummingbird.cli.history import since
from hummingbird.cli.inventory import HostPart
from tests.unit.cli.conftest import Run, Server

HOST = "/v1/ihosts/edge-0"
INTERFACES = [
    {"uuid": "i0", "ifname": "eth0", "ifclass": "platform", "used_by": [], "imtu": 1},
    {"uuid": "i1", "ifname": "eth1", "ifclass": None, "used_by": [], "imtu": 2},
]
PARTS = {
    command: kind
    for command, kind in (
        ("host-cpu-list", inventory.HostCpuList),
        ("host-memory-list", inventory.HostMemoryList),
        ("host-disk-list", inventory.HostDiskList),
        ("host-disk-partition-list", inventory.HostDiskPartitionList),
        ("host-port-list", inventory.HostPortList),
        ("host-ethernet-port-list", inventory.HostEthernetPortList),
        ("host-if-list", inventory.HostIfList),
        ("host-pv-list", inventory.HostPvList),
        ("host-lvg-list", inventory.HostLvgList),
        ("host-fs-list", inventory.HostFsList),
        ("host-pci-list", inventory.HostPciList),
        ("host-device-list", inventory.HostDeviceList),
        ("host-lldp-agent-list", inventory.HostLldpAgentList),
        ("host-lldp-neighbor-list", inventory.HostLldpNeighborList),
        ("host-sensor-list", inventory.HostSensorList),
    )
}


@pytest.mark.parametrize("command", PARTS)
def test_each_part_is_a_list_with_its_columns(
    server: Server, hummingbird: Run, command: str
) -> None:
    part: type[HostPart] = PARTS[command]
    item: dict[str, Any] = dict.fromkeys(part.columns, "x")
    item |= {
        "uuid": "i0",
        "enabled": True,
        "imtu": 1500,
        "used_by": [],
        "attributes": 1,
    }
    server.on("GET", f"{HOST}/{part.kind}", {part.kind: [item]})
    if part.kind != "ports":
        server.on("GET", f"{HOST}/ports", {"ports": []})
    done = hummingbird(command, "edge-0", "-f", "json")
    assert done.status == 0, done.err
    (row,) = json.loads(done.out)
    assert tuple(row) == part.columns
    server.on("GET", f"{HOST}/{part.kind}", {part.kind: []})
    assert hummingbird(command, "edge-0").status == 0


def test_interfaces_without_a_network_are_left_out(
    server: Server, hummingbird: Run
) -> None:
    server.on("GET", f"{HOST}/iinterfaces", {"iinterfaces": INTERFACES})
    ports = [{"name": "enp1s0", "interface_uuid": "i1"}]
    server.on("GET", f"{HOST}/ports", {"ports": ports})
    some = json.loads(hummingbird("host-if-list", "edge-0", "-f", "json").out)
    assert [row["ifname"] for row in some] == ["eth0"]
    every = json.loads(hummingbird("host-if-list", "edge-0", "-a", "-f", "json").out)
    assert [(row["ifname"], row["ports"]) for row in every] == [
        ("eth0", []),
        ("eth1", ["enp1s0"]),
    ]
    shown = hummingbird("host-if-show", "edge-0", "eth1", "-f", "json")
    assert json.loads(shown.out)["ports"] == ["enp1s0"]
    missing = hummingbird("host-if-show", "edge-0", "eth7")
    assert (missing.status, "no interface eth7" in missing.err) == (1, True)


def test_partitions_of_one_disk(server: Server, hummingbird: Run) -> None:
    disks = [{"uuid": f"d{n}", "device_node": f"/dev/sd{n}"} for n in "ab"]
    server.on("GET", f"{HOST}/idisks", {"idisks": disks})
    partitions = [{"uuid": f"p{n}", "idisk_uuid": f"d{n}"} for n in "ab"]
    server.on("GET", f"{HOST}/partitions", {"partitions": partitions})
    argv = ("host-disk-partition-list", "edge-0", "-f", "json", "--disk")
    assert [row["uuid"] for row in json.loads(hummingbird(*argv, "/dev/sdb").out)] == [
        "pb"
    ]
    assert "no disk /dev/sdc" in hummingbird(*argv, "/dev/sdc").err


def test_history_is_asked_for_from_a_time_on(server: Server, hummingbird: Run) -> None:
    row = {
        "seen_at": "2026-03-01T10:00:00+00:00",
        "received_at": "2026-03-01T12:00:00+00:00",
        "section": "ports",
        "item": "eth0",
        "from": {"mtu": 1500},
        "to": None,
    }
    server.on("GET", f"{HOST}/history", {"history": [row]})
    table = hummingbird("host-history", "edge-0", "--since", "2026-03-01").out
    assert "mtu 1500" in table
    assert "2026-03-01 10:00:00Z" in table
    assert server.asked[-1].query == {"since": "2026-03-01"}
    done = hummingbird("host-history", "edge-0", "--limit", "5", "-f", "json")
    assert json.loads(done.out)[0]["from"] == {"mtu": 1500}
    assert server.asked[-1].query == {"limit": "5"}
    assert hummingbird("host-history", "edge-0", "--since", "soon").status == 2


def test_how_long_ago_is_a_time() -> None:
    now = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert since("7d", now=now) == "2026-03-01T12:00:00+00:00"
    assert since("90m", now=now) == "2026-03-08T10:30:00+00:00"
    for wrong in ("999999d", "7 days", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            since(wrong, now=now)


def test_facts_are_summed_up_in_a_table_and_whole_in_json(
    server: Server, hummingbird: Run
) -> None:
    body = {
        "hostname": "edge-0",
        "age_seconds": 4.0,
        "facts": {
            "system": {"os_id": "debian"},
            "ports": [{"pname": "eth0"}, {"pname": "eth1"}],
        },
    }
    server.on("GET", f"{HOST}/facts", lambda _asked: (200, body))
    table = hummingbird("facts-show", "edge-0").out
    assert "debian" in table and "age_seconds" in table
    assert "eth1" not in table
    assert "eth1" in hummingbird("facts-show", "edge-0", "--section", "ports").out
    whole = json.loads(hummingbird("facts-show", "edge-0", "-f", "json").out)
    assert whole == body
    unknown = hummingbird("facts-show", "edge-0", "--section", "x")
    assert (unknown.status, "system, ports" in unknown.err) == (1, True)
