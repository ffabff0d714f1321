# SPDX-License-Identifier: Apache-2.0
"""What a host's agent said of it: how its items are told apart, and what changed.

An item is one object of a section's list, or one field of `system`. Each has a key that
stays the same as long as the thing does, and of that key its uuid is made, so that
clients may remember it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

Item = Mapping[str, Any]

KEY_MAX: Final = 255


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Where a host's inventory is; its sections are rows of their own."""

    host_id: int
    content_hash: str
    stream: str | None
    """None: an agent of version 1 said it."""
    sequence: int
    reported_at: datetime
    """When the host last said that it is so, changed or not."""
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a host's inventory."""

    name: str
    content_hash: str
    body: Any
    changed_at: datetime

    @property
    def items(self) -> list[Item]:
        """The objects of a list; none of anything else."""
        if not isinstance(self.body, list):
            return []
        return [item for item in self.body if isinstance(item, Mapping)]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One item that came, went or became another."""

    section: str
    item: str
    before: Any
    """None: it was not there. Of an item that stayed, the fields that changed."""
    after: Any

    @property
    def is_more(self) -> bool:
        """Whether nothing went or became another: there are only more fields."""
        return self.before == {} or (self.section == "system" and self.before is None)


@dataclass(frozen=True, kw_only=True)
class FactsChange:
    """A difference, as it stands in a host's history."""

    id: int
    host_id: int
    section: str
    item: str
    before: Any
    after: Any
    seen_at: datetime
    received_at: datetime


def _first(*names: str) -> Callable[[Item], object]:
    return lambda item: next((item[n] for n in names if item.get(n)), None)


def _neighbour(item: Item) -> object:
    return f"{item.get('port_name')}/{item.get('msap')}"


def _numa(item: Item) -> object:
    return numa_node(item)


_KEYS: Final[Mapping[str, Callable[[Item], object]]] = {
    "icpus": lambda item: item.get("cpu"),
    "inodes": _numa,
    "imemories": _numa,
    "idisks": _first("device_path", "device_node"),
    "partitions": _first("device_path", "device_node"),
    "lvgs": _first("lvm_vg_name"),
    "pvs": _first("lvm_pv_uuid", "lvm_pv_name"),
    "filesystems": _first("mount"),
    "ports": _first("pname"),
    "interfaces": _first("ifname"),
    "pci_devices": _first("pciaddr"),
    "sensors": _first("path", "sensorname"),
    "lldp_agents": _first("port_name"),
    "lldp_neighbours": _neighbour,
}

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "icpus": ("icpu",),
    "inodes": ("inode",),
    "imemories": ("imemory",),
    "idisks": ("idisk",),
    "partitions": ("partition",),
    "lvgs": ("ilvg",),
    "pvs": ("ipv",),
    "filesystems": ("host_fs",),
    "ports": ("port",),
    "interfaces": ("iinterface",),
    "pci_devices": ("pci_device",),
    "sensors": ("isensor",),
    "lldp_agents": ("lldp_agent",),
    "lldp_neighbours": ("lldp_neighbour",),
}
"""What each section's items are called in their uuids."""


def numa_node(item: Item) -> int:
    """Return the NUMA node of an item; 0 where the machine has none, or says -1."""
    node = item.get("numa_node")
    return node if isinstance(node, int) and node >= 0 else 0


def key_of(section: str, item: Item) -> str:
    """Return what tells an item of a section from the others of this host."""
    find = _KEYS.get(section, _first("name", "id", "uuid"))
    text = str(find(item))
    return "".join(c for c in text if c.isprintable())[:KEY_MAX]


def interface_of(address: str, interfaces: object) -> str | None:
    """Return the name of the interface that has an address, or None.

    :param interfaces: the body of the section.
    """
    for item in interfaces if isinstance(interfaces, list) else ():
        found = item.get("addresses") if isinstance(item, dict) else None
        for text in found if isinstance(found, list) else ():
            if isinstance(text, str) and text.partition("/")[0] == address:
                return str(item.get("ifname"))
    return None


def item_uuid(host_uuid: str, kind: str, key: object) -> str:
    """Return the uuid of the item with this key: the same over reports and restarts."""
    return str(uuid5(UUID(host_uuid), f"{kind}/{key}"))


def uuids(host_uuid: str, section: str, body: object) -> set[str]:
    """Return the uuids of a section's items."""
    if not isinstance(body, list):
        return set()
    return {
        item_uuid(host_uuid, kind, key_of(section, item))
        for item in body
        if isinstance(item, Mapping)
        for kind in _KINDS.get(section, ())
    }


def completed(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a report of version 1 with two that it does not have: its
    NUMA nodes are those of its CPUs and memory, its interfaces are its ports."""
    items = [*sections.get("icpus", ()), *sections.get("imemories", ())]
    nodes = sorted({numa_node(item) for item in items})
    interfaces = [
        {
            "ifname": port.get("pname"),
            "iftype": "ethernet",
            "imac": port.get("mac"),
            "imtu": port.get("mtu"),
        }
        for port in sections.get("ports", ())
    ]
    return {
        "inodes": [{"numa_node": node} for node in nodes],
        "interfaces": interfaces,
        **sections,
    }


def differences(section: str, before: object, after: object) -> list[Difference]:
    """Return what changed in a section, by item.

    A section that was not there before has no past: nothing of it has changed.
    """
    if before is None:
        return []
    old, new = dict(_items(section, before)), dict(_items(section, after))
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        one, other = old.get(key), new.get(key)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            names = [n for n in {**one, **other} if one.get(n) != other.get(n)]
            one = {name: one[name] for name in names if name in one}
            other = {name: other[name] for name in names if name in other}
        found.append(Difference(section=section, item=key, before=one, after=other))
    return found


def _items(section: str, body: object) -> Iterator[tuple[str, Any]]:
    if isinstance(body, Mapping):
        yield from body.items()
    elif isinstance(body, list):
        for item in body:
            if isinstance(item, Mapping):
                yield key_of(section, item), item
