# SPDX-License-Identifier: Apache-2.0
"""Which of sysinv's collections are filled by facts, from which sections, and how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from hummingbird.api.view import disk, pci_device, port, processor, sensor
from hummingbird.api.view.inventory_item import Row, Seen

Rows = Callable[[Seen], list[Row]]


@dataclass(frozen=True)
class Collection:
    """One of sysinv's collections."""

    section: str
    """What its items are."""
    rows: Rows
    further: tuple[str, ...] = ()
    """Other sections that a row looks into."""
    one: Rows | None = None
    """How they are shown by themselves, if that differs."""

    @property
    def sections(self) -> tuple[str, ...]:
        """All that is needed to show it."""
        return (self.section, *self.further)


_STORAGE: Final = ("idisks", "partitions", "pvs")

COLLECTIONS: Final[Mapping[str, Collection]] = {
    "inodes": Collection("inodes", processor.inodes),
    "icpus": Collection("icpus", processor.icpus),
    "imemorys": Collection("imemories", processor.imemorys),
    "idisks": Collection("idisks", disk.idisks, _STORAGE),
    "partitions": Collection("partitions", disk.partitions, _STORAGE),
    "ipvs": Collection("pvs", disk.ipvs, _STORAGE),
    "ilvgs": Collection("lvgs", disk.ilvgs),
    "host_fs": Collection("filesystems", disk.host_fs),
    "ports": Collection("ports", port.ports),
    "ethernet_ports": Collection("ports", port.ethernet_ports),
    "iinterfaces": Collection(
        "interfaces", port.iinterfaces, one=partial(port.iinterfaces, expand=True)
    ),
    "pci_devices": Collection("pci_devices", pci_device.pci_devices),
    "isensors": Collection("sensors", sensor.isensors),
    "lldp_agents": Collection("lldp_agents", port.lldp_agents),
    "lldp_neighbours": Collection("lldp_neighbours", port.lldp_neighbours),
}

PARTS: Final[Mapping[tuple[str, str], str]] = {
    ("iinterfaces", "ports"): "interface_uuid",
    ("ports", "lldp_agents"): "port_uuid",
    ("ports", "lldp_neighbours"): "port_uuid",
    ("idisks", "partitions"): "idisk_uuid",
    ("inodes", "icpus"): "inode_uuid",
    ("inodes", "imemorys"): "inode_uuid",
    ("inodes", "ports"): "node_uuid",
    ("ilvgs", "ipvs"): "ilvg_uuid",
}
"""What hangs on an item: (its collection, theirs) -> which field of theirs names it."""
