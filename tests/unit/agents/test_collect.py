# SPDX-License-Identifier: Apache-2.0
"""What is read of a host, on trees like those of real ones, and of this machine."""

from pathlib import Path

from agents.sysinv_agent.cpu import cpus, flags, memories, nodes
from agents.sysinv_agent.disk import disks, partitions
from agents.sysinv_agent.files import HostFiles
from agents.sysinv_agent.filesystem import filesystems
from agents.sysinv_agent.inventory import Collector
from agents.sysinv_agent.pci import Names, pci_devices
from agents.sysinv_agent.port import interfaces, ports
from agents.sysinv_agent.sensor import sensors
from agents.sysinv_agent.system import system
from hummingbird.wire.inventory import decode, encode
from tests.fakes.host_tree import HostTree
from tests.fakes.inventory import full

BOOT = "662916f8-1f02-4673-b496-5c0d7d3ffcac"


def test_cpus_have_their_cores_threads_and_model(tree: HostTree) -> None:
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


def test_an_arm_kernel_names_its_model_once_at_the_end(tree: HostTree) -> None:
    tree.write("sys/devices/system/cpu/cpu0/topology/core_id", "0")
    tree.write(
        "proc/cpuinfo",
        "processor\t: 0\nCPU architecture: 8\n\nModel\t: Raspberry Pi 4 Model B\n",
    )
    (cpu,) = cpus(tree.files)
    assert cpu["cpu_family"] == "8"
    tree.write("proc/cpuinfo", "processor\t: 0\n\nModel\t: Raspberry Pi 4 Model B\n")
    assert cpus(tree.files)[0]["cpu_model"] == "Raspberry Pi 4 Model B"


def test_a_cpu_that_is_switched_off_is_there(tree: HostTree) -> None:
    tree.write("sys/devices/system/cpu/cpu0/topology/core_id", "0")
    tree.write("sys/devices/system/cpu/cpu1/online", "0\n")
    assert [cpu.get("online") for cpu in cpus(tree.files)] == [None, False]


def test_of_the_flags_those_are_told_that_tell_hosts_apart(tree: HostTree) -> None:
    tree.write("proc/cpuinfo", "processor: 0\nflags\t: fpu vme aes avx2 vmx\n")
    assert flags(tree.files) == ["aes", "avx2", "vmx"]
    tree.write("proc/cpuinfo", "processor: 0\nFeatures\t: fp asimd crc32\n")
    assert flags(tree.files) == ["asimd", "crc32"]


def test_numa_nodes_have_their_distances(tree: HostTree) -> None:
    tree.write("sys/devices/system/cpu/cpu0/x")
    assert nodes(tree.files) == [{"numa_node": 0, "cpus": 1}]
    for node in (1, 0):
        tree.write(f"sys/devices/system/node/node{node}/distance", "10 21\n")
        tree.write(f"sys/devices/system/node/node{node}/cpu{node}/x")
    assert [node["numa_node"] for node in nodes(tree.files)] == [0, 1]
    assert nodes(tree.files)[0]["distances"] == [10, 21]


def test_memory_is_told_by_numa_node_or_as_a_whole(tree: HostTree) -> None:
    tree.write("proc/meminfo", "MemTotal:  2048000 kB\nHugePages_Total:   0\n")
    assert memories(tree.files) == [
        {"numa_node": 0, "memtotal_mib": 2000, "hugepages_configured": False}
    ]
    node = "sys/devices/system/node/node1"
    tree.write(f"{node}/meminfo", "Node 1 MemTotal:  1024 kB\n")
    tree.write(f"{node}/hugepages/hugepages-2048kB/nr_hugepages", "4\n")
    assert memories(tree.files) == [
        {
            "numa_node": 1,
            "memtotal_mib": 1,
            "hugepages_configured": True,
            "vm_hugepages_nr_2M": 4,
        }
    ]


def test_disks_are_whole_and_real(tree: HostTree) -> None:
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


def test_a_disk_has_the_names_that_udev_gave_it(tree: HostTree) -> None:
    tree.write("sys/block/sda/size", "2097152\n")
    tree.write("sys/block/sda/dev", "8:0\n")
    tree.write("sys/block/sda/queue/rotational", "1\n")
    tree.udev(
        "8:0",
        "S:disk/by-path/pci-0000:00:17.0-ata-1",
        "S:disk/by-id/wwn-0x5000c500a1b2c3d4",
        "S:disk/by-id/ata-ST1000NM0008_ZK10",
        "E:ID_WWN=0x5000c500a1b2c3d4",
        "E:ID_SERIAL_SHORT=ZK10",
        "E:ID_ATA_ROTATION_RATE_RPM=7200",
    )
    (disk,) = disks(tree.files)
    assert disk["device_path"] == "/dev/disk/by-path/pci-0000:00:17.0-ata-1"
    assert disk["device_id"] == "ata-ST1000NM0008_ZK10"
    assert disk["device_wwn"] == "0x5000c500a1b2c3d4"
    assert (disk["serial_id"], disk["rpm"]) == ("ZK10", "7200")


def test_partitions_have_their_types_places_and_contents(tree: HostTree) -> None:
    tree.write("sys/block/sda/size", "2097152\n")
    for number, start, size in ((1, 2048, 1048576), (2, 1050624, 1046528)):
        base = f"sys/block/sda/sda{number}"
        tree.write(f"{base}/partition", f"{number}\n")
        tree.write(f"{base}/start", f"{start}\n")
        tree.write(f"{base}/size", f"{size}\n")
        tree.write(f"{base}/dev", f"8:{number}\n")
    tree.write("sys/block/sda/queue/rotational", "0")
    tree.udev(
        "8:1",
        "S:disk/by-path/pci-0000:00:17.0-ata-1-part1",
        "E:ID_PART_ENTRY_TYPE=C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        "E:ID_PART_ENTRY_NAME=EFI",
        "E:ID_FS_TYPE=vfat",
    )
    one, other = partitions(tree.files)
    assert one == {
        "device_node": "/dev/sda1",
        "device_path": "/dev/disk/by-path/pci-0000:00:17.0-ata-1-part1",
        "disk": "/dev/sda",
        "start_mib": 1,
        "end_mib": 513,
        "size_mib": 512,
        "type_guid": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        "type_name": "EFI System",
        "label": "EFI",
        "content": "vfat",
    }
    assert other["start_mib"] == 513
    assert "type_guid" not in other


def test_file_systems_are_the_hosts_own_and_each_once(tree: HostTree) -> None:
    tree.write(
        "mountinfo",
        "22 1 253:0 / / rw shared:1 - ext4 /dev/mapper/vg-root rw\n"
        "23 22 0:5 / /proc rw - proc proc rw\n"
        "24 22 8:1 / /boot/efi\\040x rw - vfat /dev/sda1 rw\n"
        "25 22 8:1 /a /srv rw - vfat /dev/sda1 rw\n"
        "26 22 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n"
        "27 22 8:2 / /var/lib/kubelet/pods/1/volumes/x rw - ext4 /dev/sda2 rw\n"
        "28 22 0:40 / /run/containerd/x rw - overlay overlay rw\n"
        "29 22 0:41 /@home /home rw - btrfs /dev/sdb1 rw\n"
        "nonsense\n",
    )
    tree.write("sys/dev/block/253:0/size", "4194304\n")
    tree.write("sys/dev/block/253:0/dm/name", "vg-root\n")
    tree.write("sys/dev/block/253:0/dm/uuid", "LVM-abc\n")
    tree.write("sys/class/block/sdb1/size", "2048\n")
    boot, home, root = sorted(filesystems(tree.files), key=lambda f: -len(f["mount"]))
    assert root == {
        "mount": "/",
        "device": "/dev/mapper/vg-root",
        "fs_type": "ext4",
        "size_mib": 2048,
        "logical_volume": "root",
    }
    assert (boot["mount"], boot["device"]) == ("/boot/efi x", "/dev/sda1")
    assert (home["mount"], home["size_mib"]) == ("/home", 1)


def test_a_root_that_is_on_no_device_is_told(tree: HostTree) -> None:
    tree.write("mountinfo", "1 0 0:40 / / rw - overlay overlay rw\n")
    assert filesystems(tree.files) == [
        {"mount": "/", "device": "overlay", "fs_type": "overlay"}
    ]


def pci_device(tree: HostTree, address: str, **fields: str) -> None:
    for name, value in fields.items():
        tree.write(f"sys/bus/pci/devices/{address}/{name}", value + "\n")


PCI_IDS = """\
# comment
8086  Intel Corporation
\t15e3  Ethernet Connection I219-LM
\t\t1028 07a0  Latitude 7490
10ec  Realtek
C 02  Network controller
\t00  Ethernet controller
"""


def test_pci_devices_have_names_where_the_host_has_them(tree: HostTree) -> None:
    pci_device(
        tree,
        "0000:00:1f.6",
        **{"class": "0x020000", "vendor": "0x8086", "device": "0x15e3"},
        subsystem_vendor="0x1028",
        subsystem_device="0x07a0",
        numa_node="0",
    )
    tree.link("sys/bus/pci/devices/0000:00:1f.6/driver", "../../drivers/e1000e")
    pci_device(tree, "0000:03:10.0", vendor="0x8086", device="0x1520")
    tree.link(
        "sys/bus/pci/devices/0000:03:10.0/physfn", "../../../../devices/0000:03:00.0"
    )
    (plain,) = pci_devices(tree.files, Names())
    assert (plain["pclass"], plain["pvendor"]) == ("020000", "8086")
    tree.write("share/misc/pci.ids", PCI_IDS)
    (named,) = pci_devices(tree.files, Names())
    assert named == {
        "name": "pci_0000_00_1f_6",
        "pciaddr": "0000:00:1f.6",
        "pclass_id": "020000",
        "pvendor_id": "8086",
        "pdevice_id": "15e3",
        "pclass": "Ethernet controller",
        "pvendor": "Intel Corporation",
        "pdevice": "Ethernet Connection I219-LM",
        "prevision": "",
        "enabled": True,
        "psvendor": "1028",
        "psdevice": "Latitude 7490",
        "numa_node": 0,
        "driver": "e1000e",
    }


def test_names_are_read_once_for_the_same_devices(tree: HostTree) -> None:
    pci_device(tree, "0000:00:1f.6", vendor="0x8086", device="0x15e3")
    tree.write("share/hwdata/pci.ids", PCI_IDS)
    names = Names()
    pci_devices(tree.files, names)
    tree.write("share/hwdata/pci.ids", "")
    (device,) = pci_devices(tree.files, names)
    assert device["pvendor"] == "Intel Corporation"


def test_a_port_says_its_virtual_functions_in_order(tree: HostTree) -> None:
    folder = "sys/devices/pci0/0000:03:00.0"
    tree.interface("ens3f0")
    tree.link("sys/class/net/ens3f0/device", f"../../../../{folder}")
    tree.write(f"{folder}/sriov_totalvfs", "63\n")
    tree.write(f"{folder}/sriov_numvfs", "11\n")
    for number in range(11):
        virtual = f"sys/devices/pci0/0000:03:10.{number % 8}-{number}"
        tree.write(f"{virtual}/device", "0x1520\n")
        tree.link(f"{folder}/virtfn{number}", f"../../../../{virtual}")
        tree.link(f"{virtual}/driver", "../../../bus/pci/drivers/vfio-pci")
    (port,) = ports(tree.files, Names())
    assert (port["sriov_totalvfs"], port["sriov_numvfs"]) == (63, 11)
    addresses = port["sriov_vfs_pci_address"].split(",")
    assert [a.rpartition("-")[2] for a in addresses] == [str(n) for n in range(11)]
    assert port["sriov_vf_driver"] == "vfio-pci"
    assert port["sriov_vf_pdevice_id"] == "1520"


def test_a_virtio_port_is_at_the_address_of_its_pci_device(tree: HostTree) -> None:
    tree.interface("enp1s0")
    folder = "sys/devices/pci0/0000:00:03.0"
    tree.write(f"{folder}/vendor", "0x1af4\n")
    tree.link("sys/class/net/enp1s0/device", f"../../../../{folder}/virtio0")
    tree.link(f"{folder}/virtio0/subsystem", "../../../../bus/virtio")
    tree.link(f"{folder}/virtio0/driver", "../../../../bus/virtio/drivers/virtio_net")
    (port,) = ports(tree.files, Names())
    assert (port["bus"], port["driver"]) == ("virtio", "virtio_net")
    assert (port["pciaddr"], port["pvendor"]) == ("0000:00:03.0", "1af4")


def test_interfaces_are_ports_and_what_is_built_on_them(tree: HostTree) -> None:
    for name in ("eno1", "eno2"):
        tree.interface(name)
        tree.link(f"sys/class/net/{name}/device", f"../../../devices/usb1/{name}")
    tree.interface("bond0", uevent="DEVTYPE=bond")
    tree.write("sys/class/net/bond0/bonding/mode", "active-backup 1\n")
    for name in ("eno1", "eno2"):
        tree.write(f"sys/class/net/bond0/lower_{name}/x")
    tree.interface("bond0.7", uevent="INTERFACE=bond0.7\nDEVTYPE=vlan")
    tree.write("sys/class/net/bond0.7/lower_bond0/x")
    tree.interface("cni0", uevent="DEVTYPE=bridge")
    tree.interface("br0", uevent="DEVTYPE=bridge")
    tree.write("sys/class/net/br0/lower_veth12/x")
    tree.interface("hb-tunnel", type="65534", address="", uevent="DEVTYPE=wireguard")
    tree.interface("hb-probe", type="65534", uevent="DEVTYPE=wireguard")
    tree.write(
        "net/vlan/config",
        "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n"
        "bond0.7        | 7  | bond0\n",
    )
    found = {
        one["ifname"]: one
        for one in interfaces(tree.files, addresses={"bond0.7": ["192.0.2.1/24"]})
    }
    assert list(found) == ["bond0", "bond0.7", "br0", "eno1", "eno2", "hb-tunnel"]
    assert [found[name]["iftype"] for name in found] == [
        "ae",
        "vlan",
        "virtual",
        "ethernet",
        "ethernet",
        "virtual",
    ]
    assert found["bond0"]["aemode"] == "active_standby"
    assert found["bond0"]["uses"] == ["eno1", "eno2"]
    assert (found["bond0.7"]["vlan_id"], found["bond0.7"]["uses"]) == (7, ["bond0"])
    assert found["bond0.7"]["addresses"] == ["192.0.2.1/24"]
    assert "uses" not in found["br0"]


def test_ports_on_pci_and_not_are_found_and_software_is_not(tree: HostTree) -> None:
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
    found = ports(tree.files, Names())
    assert [port["pname"] for port in found] == ["eno1", "enx001122334455"]
    assert found[0] == {
        "pname": "eno1",
        "mac": "02:00:00:00:00:01",
        "mtu": 1500,
        "speed": 1000,
        "dev_id": 0,
        "link": True,
        "pciaddr": "0000:00:1f.6",
        "pclass": "",
        "pvendor": "8086",
        "pdevice": "",
    }
    assert "pciaddr" not in found[1]
    assert "speed" not in found[1]


def test_a_container_that_plays_a_host_has_ports_too(tree: HostTree) -> None:
    tree.interface("host0", carrier="1")
    tree.interface("veth1234")
    tree.interface("br0")
    tree.write("sys/class/net/br0/bridge/x")
    assert [port["pname"] for port in ports(tree.files, Names())] == ["host0"]


def test_sensors_have_limits_and_the_hardwares_verdict(tree: HostTree) -> None:
    chip = "sys/class/hwmon/hwmon2"
    tree.write(f"{chip}/name", "coretemp\n")
    tree.link(f"{chip}/device", "../../../devices/platform/coretemp.0")
    tree.write(f"{chip}/temp2_input", "51000\n")
    tree.write(f"{chip}/temp2_label", "Core 0\n")
    tree.write(f"{chip}/temp2_crit", "105500\n")
    tree.write(f"{chip}/temp2_max", "90000\n")
    tree.write(f"{chip}/temp2_crit_alarm", "0\n")
    tree.write("sys/class/hwmon/hwmon0/fan1_input", "0\n")
    tree.write("sys/class/hwmon/hwmon0/fan1_alarm", "1\n")
    fan, core = sensors(tree.files)
    assert core == {
        "sensorname": "coretemp coretemp.0 Core 0",
        "path": "platform/coretemp.0/temp2",
        "sensortype": "temperature",
        "status": "ok",
        "t_critical_upper": "105.5",
        "t_major_upper": "90",
    }
    assert fan == {
        "sensorname": "hwmon0 fan1",
        "path": "hwmon0/fan1",
        "sensortype": "fan",
        "status": "major",
    }
    tree.write(f"{chip}/temp2_crit_alarm", "1\n")
    assert sensors(tree.files)[1]["status"] == "critical"


def test_the_operating_system_is_read_where_it_is(tree: HostTree) -> None:
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


def test_a_host_that_shows_nothing_still_has_a_report(tree: HostTree) -> None:
    report = Collector(tree.files, hostname="edge-0", boot_id=BOOT).collect()
    assert decode(encode(full(report)))["sections"] == report
    assert report["system"]["hostname"] == "edge-0"
    assert report["icpus"] == report["idisks"] == report["ports"] == []


def test_this_machine_has_cpus_memory_and_a_kernel() -> None:
    files = HostFiles(etc=Path("/etc"), usr_lib=Path("/usr/lib"))
    collector = Collector(files, hostname="here", boot_id=BOOT)
    report = collector.collect()
    assert report == collector.collect()
    assert len(report["icpus"]) >= 1
    assert sum(node["memtotal_mib"] for node in report["imemories"]) > 0
    assert report["system"]["kernel_running"]
    assert "/" in [one["mount"] for one in report["filesystems"]]
