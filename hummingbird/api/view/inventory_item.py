# SPDX-License-Identifier: Apache-2.0
"""What the views of a host's facts have in common.

Nothing that they show has rows of its own: a uuid is made from the host's and from what
stays the same over reports, and a value that the host did not report is null.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_origin, get_type_hints

from hummingbird.api.view.link import links
from hummingbird.domain.facts import Item, Section, item_uuid, key_of, numa_node
from hummingbird.domain.host import Host
from hummingbird.wire import section as wire

Row = dict[str, Any]

FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    name: get_type_hints(item)
    for name, item in {
        "inodes": wire.Node,
        "icpus": wire.Cpu,
        "imemories": wire.Memory,
        "idisks": wire.Disk,
        "partitions": wire.Partition,
        "lvgs": wire.VolumeGroup,
        "pvs": wire.PhysicalVolume,
        "filesystems": wire.FileSystem,
        "ports": wire.Port,
        "interfaces": wire.Interface,
        "pci_devices": wire.PciDevice,
        "sensors": wire.Sensor,
        "lldp_agents": wire.LldpAgent,
        "lldp_neighbours": wire.LldpNeighbour,
    }.items()
}
"""Of each section whose items are shown, their fields and the types of these."""

_KINDS: Final[Mapping[str, Mapping[str, type]]] = {
    name: {field: get_origin(hint) or hint for field, hint in fields.items()}
    for name, fields in FIELDS.items()
}


@dataclass(frozen=True)
class Seen:
    """A host, and those sections of its facts that a view needs."""

    host: Host
    sections: Mapping[str, Section]
    base: str

    def items(self, section: str) -> list[Item]:
        """Return what a section lists; nothing if it was not reported. A value of
        another type than the field has is not known."""
        found = self.sections.get(section)
        kinds = _KINDS[section]
        items = [] if found is None else found.items
        return [
            {
                name: value
                for name, value in item.items()
                if type(value) is kinds.get(name)
            }
            for item in items
        ]

    def key(self, section: str, item: Item) -> str:
        """Return what tells the item from the others."""
        return key_of(section, item)

    def uuid(self, kind: str, key: object) -> str:
        """Return the uuid of an item by its key."""
        return item_uuid(self.host.uuid, kind, key)

    def node_uuid(self, item: Item) -> str:
        """Return the uuid of the NUMA node that an item is on."""
        return self.uuid("inode", numa_node(item))

    def links(self, path: str) -> list[dict[str, str]]:
        """Return the links to a path."""
        return links(self.base, path)

    def times(self, section: str) -> Row:
        """Return when the section became what it is."""
        found = self.sections.get(section)
        changed = self.host.created_at if found is None else found.changed_at
        return {"created_at": changed.isoformat(), "updated_at": None}


def taken(item: Item, names: Iterable[str]) -> Row:
    """Return these fields of an item."""
    return {name: item.get(name) for name in names}


def whole(item: Item, name: str) -> int:
    """Return a number of an item, 0 if it is not known: clients calculate with it."""
    value = item.get(name)
    return value if isinstance(value, int) else 0


def texts(item: Item, name: str) -> list[str]:
    """Return a list of texts of an item."""
    value = item.get(name)
    if not isinstance(value, list):
        return []
    return [text for text in value if isinstance(text, str)]
