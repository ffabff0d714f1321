# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-cpu-list` and its like: what a host is made of, part by part.

The commands and their columns are those of StarlingX's `system`; what fills them is the
last report of the host's own agent (`facts-show` says how old that is).
"""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from hummingbird.cli.client import path
from hummingbird.cli.command import List, OfHost, Show
from hummingbird.cli.failure import Failure

Item = Mapping[str, Any]


class HostPart(OfHost, List):
    """A command that lists one of a host's collections."""

    kind: ClassVar[str]
    """The collection's name in the API."""

    def find(self, given: argparse.Namespace) -> Iterable[Item]:
        """Return the items."""
        return self.items(given.host, self.kind)

    def items(self, host: str, kind: str) -> list[Item]:
        """Return a collection of a host."""
        found: list[Item] = self.client.get(path("ihosts", host, kind))[kind]
        return found


class HostCpuList(HostPart):
    """List the logical CPUs of a host."""

    examples = ("hummingbird host-cpu-list edge-0",)
    kind = "icpus"
    columns = (
        "uuid",
        "cpu",
        "numa_node",
        "core",
        "thread",
        "cpu_model",
        "allocated_function",
    )


class HostMemoryList(HostPart):
    """List the memory of each NUMA node of a host."""

    examples = ("hummingbird host-memory-list edge-0",)
    kind = "imemorys"
    columns = (
        "numa_node",
        "memtotal_mib",
        "platform_reserved_mib",
        "memavail_mib",
        "hugepages_configured",
        "vm_hugepages_nr_2M",
        "vm_hugepages_nr_1G",
    )


class HostDiskList(HostPart):
    """List the disks of a host."""

    examples = ("hummingbird host-disk-list edge-0",)
    kind = "idisks"
    columns = (
        "uuid",
        "device_node",
        "device_num",
        "device_type",
        "size_mib",
        "available_mib",
        "rpm",
        "serial_id",
        "device_path",
    )


class HostDiskPartitionList(HostPart):
    """List the partitions on the disks of a host."""

    examples = (
        "hummingbird host-disk-partition-list edge-0",
        "hummingbird host-disk-partition-list edge-0 --disk /dev/sda",
    )
    kind = "partitions"
    columns = (
        "uuid",
        "device_path",
        "device_node",
        "type_guid",
        "type_name",
        "size_mib",
        "status",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--disk", metavar="NAME", help="only of the disk with this uuid or device"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Item]:
        """Return the partitions."""
        partitions = super().find(given)
        if given.disk is None:
            return partitions
        names = ("uuid", "device_node", "device_path")
        for disk in self.items(given.host, "idisks"):
            if given.disk in [disk.get(name) for name in names]:
                return [p for p in partitions if p["idisk_uuid"] == disk["uuid"]]
        raise Failure(f"Host {given.host} has no disk {given.disk}.")


class HostPortList(HostPart):
    """List the network ports of a host, on PCI or not."""

    examples = ("hummingbird host-port-list edge-0",)
    kind = "ports"
    columns = (
        "uuid",
        "name",
        "type",
        "pciaddr",
        "dev_id",
        "numa_node",
        "dpdksupport",
        "pdevice",
    )

    def find(self, given: argparse.Namespace) -> Iterable[Item]:
        """Return the ports that are known: before, the API says one without a name,
        for the sake of StarlingX's client."""
        return [port for port in super().find(given) if port["name"] is not None]


class HostEthernetPortList(HostPart):
    """List the network ports of a host with their addresses and speeds."""

    examples = ("hummingbird host-ethernet-port-list edge-0",)
    kind = "ethernet_ports"
    columns = (
        "uuid",
        "name",
        "mac",
        "pciaddr",
        "numa_node",
        "mtu",
        "speed",
        "driver",
        "pdevice",
    )


class HostIfList(HostPart):
    """List the interfaces of a host that its networks are on; with --all, every one."""

    examples = (
        "hummingbird host-if-list edge-0",
        "hummingbird host-if-list edge-0 --all",
    )
    kind = "iinterfaces"
    columns = (
        "uuid",
        "ifname",
        "ifclass",
        "iftype",
        "vlan_id",
        "ports",
        "uses",
        "used_by",
        "attributes",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "-a", "--all", action="store_true", help="those without a network, too"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Item]:
        """Return the interfaces, with the names of their ports."""
        ports = self.items(given.host, "ports")
        return [
            interface
            | {
                "ports": _ports_of(interface, ports),
                "attributes": f"MTU={interface['imtu']}",
            }
            for interface in map(dict, super().find(given))
            if given.all or interface["ifclass"] or interface["used_by"]
        ]


class HostIfShow(Show):
    """Show one interface of a host, by its name or uuid."""

    examples = ("hummingbird host-if-show edge-0 eth0",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument("interface", metavar="INTERFACE")
        return parser

    def find(self, given: argparse.Namespace) -> Item:
        """Return the interface."""
        of_host = path("ihosts", given.host, "iinterfaces")
        for interface in self.client.get(of_host)["iinterfaces"]:
            if given.interface in (interface["ifname"], interface["uuid"]):
                ports = self.client.get(path("ihosts", given.host, "ports"))["ports"]
                found: dict[str, Any] = interface
                return found | {"ports": _ports_of(interface, ports)}
        raise Failure(f"Host {given.host} has no interface {given.interface}.")


class HostPvList(HostPart):
    """List the physical volumes of LVM of a host."""

    examples = ("hummingbird host-pv-list edge-0",)
    kind = "ipvs"
    columns = (
        "uuid",
        "lvm_pv_name",
        "disk_or_part_uuid",
        "disk_or_part_device_node",
        "disk_or_part_device_path",
        "pv_state",
        "pv_type",
        "lvm_vg_name",
        "lvm_pv_size",
    )


class HostLvgList(HostPart):
    """List the volume groups of LVM of a host; sizes are in bytes."""

    examples = ("hummingbird host-lvg-list edge-0",)
    kind = "ilvgs"
    columns = (
        "uuid",
        "lvm_vg_name",
        "vg_state",
        "lvm_vg_access",
        "lvm_vg_size",
        "lvm_vg_avail_size",
        "lvm_cur_pv",
        "lvm_cur_lv",
    )


class HostFsList(HostPart):
    """List the file systems of a host; sizes are in GiB."""

    examples = ("hummingbird host-fs-list edge-0",)
    kind = "host_fs"
    columns = ("uuid", "name", "size", "logical_volume", "state", "capabilities")


class HostPciList(HostPart):
    """List the PCI devices of a host that are enabled; with --all, every one."""

    examples: ClassVar[tuple[str, ...]] = (
        "hummingbird host-pci-list edge-0",
        "hummingbird host-pci-list edge-0 --all",
    )
    kind = "pci_devices"
    columns = (
        "name",
        "pciaddr",
        "pclass_id",
        "pvendor_id",
        "pdevice_id",
        "pclass",
        "pvendor",
        "pdevice",
        "numa_node",
        "enabled",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "-a", "--all", action="store_true", help="those not enabled, too"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Item]:
        """Return the devices."""
        return [one for one in super().find(given) if given.all or one["enabled"]]


class HostDeviceList(HostPciList):
    """The same as host-pci-list, by the name that `system` has for it."""

    examples = ("hummingbird host-device-list edge-0",)


class HostLldpAgentList(HostPart):
    """List the ports of a host that neighbours are listened for on."""

    examples = ("hummingbird host-lldp-agent-list edge-0",)
    kind = "lldp_agents"
    columns = ("uuid", "port_name", "status")


class HostLldpNeighborList(HostPart):
    """List what a host's ports are plugged into, as the switches say by LLDP."""

    examples = ("hummingbird host-lldp-neighbor-list edge-0",)
    kind = "lldp_neighbours"
    columns = (
        "uuid",
        "port_name",
        "port_identifier",
        "chassis_id",
        "system_name",
        "system_description",
        "management_address",
    )


class HostSensorList(HostPart):
    """List the sensors of a host's board."""

    examples = ("hummingbird host-sensor-list edge-0",)
    kind = "isensors"
    columns = ("uuid", "sensorname", "sensortype", "state", "status")


class HostKernelShow(OfHost, Show):
    """Show which kernel a host runs."""

    examples = ("hummingbird host-kernel-show edge-0",)

    def find(self, given: argparse.Namespace) -> Item:
        """Return the kernel."""
        found: Item = self.client.get(path("ihosts", given.host, "kernel"))
        return found


def _ports_of(interface: Item, ports: Iterable[Item]) -> list[str]:
    return [
        port["name"] for port in ports if port["interface_uuid"] == interface["uuid"]
    ]
