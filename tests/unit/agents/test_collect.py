# SPDX-License-Identifier: Apache-2.0
"""What is read of a host, on trees like those of real ones, and of this machine."""

from pathlib import Path

import pytest

from agents.sysinv_agent.cpu import cpus, memories
from agents.sysinv_agent.disk import disks
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.inventory import collect
from agents.sysinv_agent.port import ports
from agents.sysinv_agent.system import system
from hummingbird.wire.inventory import decode, encode
from tests.fakes.inventory import full

BOOT = "662916f8-1f02-4673-b496-5c0d7d3ffcac"


class Tree:
    """A host's folders below a temporary one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = HostFiles(
            sys=root / "sys",
            proc=root / "proc",
            etc=root / "etc",
            usr_lib=root / "usr/lib",
        )

    def write(self, path: str, text: str = "") -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def link(self, path: str, target: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        (place.parent / target).mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def interface(self, name: str, **fields: str) -> None:
        fields = {"type": "1", "address": "02:00:00:00:00:01", "mtu": "1500"} | fields
        for field, value in fields.items():
            self.write(f"sys/class/net/{name}/{field}", value + "\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_cpus_have_their_cores_threads_and_model(tree: Tree) -> None:
    for index, core in ((0, 0), (1, 1), (2, 0), (10, 1)):
        base = f"sys/devices/system/cpu/cpu{index}/topology"
        tree.write(f"{base}/core_id", f"{core}\n")
        tree.write(f"{base}/physical_package_id", "0\n")
    tree.write("sys/devices/system/cpu/cpufreq/x")
    tree.write("sys/devices/system/node/node1/cpu10/x")
    tree.write(
        "proc/cpuinfo",
        "processor\t: 0\ncpu family\t: 6\nmodel name\t: Atom(TM) x6211E\n\n"
        "processor\t: 1\nmodel name\t: Other\n",
    )
    found = cpus(tree.files)
    assert [cpu["cpu"] for cpu in found] == [0, 1, 2, 10]
    assert [(cpu["core"], cpu["thread"]) for cpu in found] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
    ]
    assert found[0]["cpu_model"] == "Atom(TM) x6211E"
    assert found[0]["cpu_family"] == "6"
    assert found[3]["numa_node"] == 1


def test_an_arm_kernel_names_its_model_once_at_the_end(tree: Tree) -> None:
    tree.write("sys/devices/system/cpu/cpu0/topology/core_id", "0")
    tree.write(
        "proc/cpuinfo",
        "processor\t: 0\nCPU architecture: 8\n\nModel\t: Raspberry Pi 4 Model B\n",
    )
    (cpu,) = cpus(tree.files)
    assert cpu["cpu_family"] == "8"
    tree.write("proc/cpuinfo", "processor\t: 0\n\nModel\t: Raspberry Pi 4 Model B\n")
    assert cpus(tree.files)[0]["cpu_model"] == "Raspberry Pi 4 Model B"


def test_memory_is_told_by_numa_node_or_as_a_whole(tree: Tree) -> None:
    tree.write("proc/meminfo", "MemTotal:  2048000 kB\nHugePages_Total:   0\n")
    assert memories(tree.files) == [
        {"numa_node": 0, "memtotal_mib": 2000, "hugepages_configured": False}
    ]
    tree.write(
        "sys/devices/system/node/node1/meminfo",
        "Node 1 MemTotal:  1024 kB\nNode 1 HugePages_Total:  4\n",
    )
    assert memories(tree.files) == [
        {"numa_node": 1, "memtotal_mib": 1, "hugepages_configured": True}
    ]


def test_disks_are_whole_and_real(tree: Tree) -> None:
    for name, sectors in (("sda", 2097152), ("loop0", 8), ("ram0", 8), ("dm-0", 8)):
        tree.write(f"sys/block/{name}/size", f"{sectors}\n")
    tree.write("sys/block/sdb/size", "0\n")
    tree.write("sys/block/nvme0n1/size", "4194304\n")
    tree.write("sys/block/nvme0n1/queue/rotational", "0\n")
    tree.write("sys/block/sda/queue/rotational", "1\n")
    tree.write("sys/block/sda/dev", "8:0\n")
    tree.write("sys/block/sda/wwid", "naa.5000c500a1b2c3d4\n")
    tree.write("sys/block/sda/device/model", "ST1000NM0008    \n")
    tree.write("sys/block/sda/device/serial", "ZK10\n")
    nvme, sda = disks(tree.files)
    assert nvme["device_type"] == "NVME"
    assert sda == {
        "device_node": "/dev/sda",
        "device_type": "HDD",
        "size_mib": 1024,
        "rpm": "Undetermined",
        "device_num": 2048,
        "device_wwn": "naa.5000c500a1b2c3d4",
        "serial_id": "ZK10",
        "capabilities": {"model_num": "ST1000NM0008"},
    }


def test_ports_on_pci_and_not_are_found_and_software_is_not(tree: Tree) -> None:
    tree.interface("eno1", speed="1000", carrier="1", dev_id="0x0")
    tree.link("sys/class/net/eno1/device", "../../../devices/pci0/0000:00:1f.6")
    tree.write("sys/devices/pci0/0000:00:1f.6/vendor", "0x8086\n")
    tree.write("sys/devices/pci0/0000:00:1f.6/numa_node", "-1\n")
    tree.interface("enx001122334455", carrier="0", speed="-1")
    tree.link("sys/class/net/enx001122334455/device", "../../../devices/usb1/1-1:1.0")
    tree.interface("lo", type="772")
    tree.interface("cni0")
    tree.interface("veth1234")
    tree.interface("wlan-made-up")
    found = ports(tree.files)
    assert [port["pname"] for port in found] == ["eno1", "enx001122334455"]
    assert found[0] == {
        "pname": "eno1",
        "mac": "02:00:00:00:00:01",
        "mtu": 1500,
        "speed": 1000,
        "dev_id": 0,
        "link": True,
        "pciaddr": "0000:00:1f.6",
        "pvendor": "0x8086",
    }
    assert "pciaddr" not in found[1]
    assert "speed" not in found[1]


def test_a_container_that_plays_a_host_has_ports_too(tree: Tree) -> None:
    tree.interface("host0", carrier="1")
    tree.interface("veth1234")
    tree.interface("br0")
    tree.write("sys/class/net/br0/bridge/x")
    assert [port["pname"] for port in ports(tree.files)] == ["host0"]


def test_the_operating_system_is_read_where_it_is(tree: Tree) -> None:
    tree.write(
        "usr/lib/os-release",
        '# comment\nID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    )
    tree.write("proc/sys/kernel/osrelease", "6.1.0-18\n")
    tree.write("sys/class/dmi/id/product_name", "IPC227G\n")
    found = system(tree.files, hostname="edge-0", boot_id=BOOT)
    assert found["hostname"] == "edge-0"
    assert found["boot_id"] == BOOT
    assert found["os_id"] == "debian"
    assert found["os_version_id"] == "12"
    assert found["kernel_running"] == "6.1.0-18"
    assert found["product"] == "IPC227G"
    tree.write("etc/os-release", "ID='fedora'\n")
    assert system(tree.files, hostname="edge-0", boot_id=BOOT)["os_id"] == "fedora"


def test_a_host_that_shows_nothing_still_has_a_report(tree: Tree) -> None:
    report = collect(tree.files, hostname="edge-0", boot_id=BOOT)
    assert decode(encode(full(report)))["sections"] == report
    assert report["system"]["hostname"] == "edge-0"
    assert report["icpus"] == report["idisks"] == report["ports"] == []


def test_this_machine_has_cpus_memory_and_a_kernel() -> None:
    files = HostFiles(etc=Path("/etc"), usr_lib=Path("/usr/lib"))
    report = collect(files, hostname="here", boot_id=BOOT)
    assert report == collect(files, hostname="here", boot_id=BOOT)
    assert len(report["icpus"]) >= 1
    assert sum(node["memtotal_mib"] for node in report["imemories"]) > 0
    assert report["system"]["kernel_running"]
