# SPDX-License-Identifier: Apache-2.0
"""What a host is made of, from its agent's report, as sysinv's sub-collections show it
(StarlingX config sysinv/api/controllers/v1/{cpu,memory,node,disk,port,ethernet_port}.py).

Nothing here has rows of its own: a uuid is made from the host's and from what stays the
same over reports. A value that the host did not report is null.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from hummingbird.api.view.link import links
from hummingbird.domain.heartbeat import Facts
from hummingbird.domain.host import Host

Item = Mapping[str, Any]
Rows = list[dict[str, Any]]


def inventory(name: str, host: Host, facts: Facts | None, *, base: str) -> Rows:
    """Return the sub-collection `name` of `host`; empty where no report fills it."""
    if facts is None or name not in _ROWS:
        return []
    return _ROWS[name](host, facts, base)


def _uuid(host: Host, kind: str, key: object) -> str:
    return str(uuid5(UUID(host.uuid), f"{kind}/{key}"))


def _listed(facts: Facts, name: str) -> list[Item]:
    found = facts.body.get(name)
    if not isinstance(found, list):
        return []
    return [item for item in found if isinstance(item, dict)]


def _times(facts: Facts) -> dict[str, Any]:
    changed = facts.changed_at.isoformat()
    return {"created_at": changed, "updated_at": None}


def _node_uuid(host: Host, item: Item) -> str:
    return _uuid(host, "inode", _numa_node(item))


def _numa_node(item: Item) -> int:
    # Machines without NUMA report none, or -1: all is on one node.
    node = item.get("numa_node")
    return node if isinstance(node, int) and node >= 0 else 0


def _inodes(host: Host, facts: Facts, base: str) -> Rows:
    items = [*_listed(facts, "icpus"), *_listed(facts, "imemories")]
    rows = []
    for node in sorted({_numa_node(item) for item in items}):
        uuid = _uuid(host, "inode", node)
        path = f"inodes/{uuid}"
        rows.append(
            {
                "uuid": uuid,
                "numa_node": node,
                "capabilities": {},
                "ihost_uuid": host.uuid,
                "links": links(base, path),
                **{
                    name: links(base, f"{path}/{name}")
                    for name in ("icpus", "imemorys", "ports")
                },
                **_times(facts),
            }
        )
    return rows


def _icpus(host: Host, facts: Facts, base: str) -> Rows:
    rows = []
    for item in _listed(facts, "icpus"):
        uuid = _uuid(host, "icpu", item.get("cpu"))
        rows.append(
            {
                "uuid": uuid,
                **_taken(item, ("cpu", "core", "thread", "cpu_family", "cpu_model")),
                "allocated_function": "Application",
                "numa_node": _numa_node(item),
                "capabilities": {},
                "ihost_uuid": host.uuid,
                "inode_uuid": _node_uuid(host, item),
                "links": links(base, f"icpus/{uuid}"),
                **_times(facts),
            }
        )
    return rows


_MEMORY_UNKNOWN = (
    "memavail_mib",
    "platform_reserved_mib",
    "vswitch_hugepages_size_mib",
    "vswitch_hugepages_nr",
    "vswitch_hugepages_reqd",
    "vswitch_hugepages_avail",
    "vm_pending_as_percentage",
    "vm_hugepages_nr_2M",
    "vm_hugepages_nr_1G",
    "vm_hugepages_use_1G",
    "vm_hugepages_nr_2M_pending",
    "vm_hugepages_avail_2M",
    "vm_hugepages_2M_percentage",
    "vm_hugepages_nr_1G_pending",
    "vm_hugepages_avail_1G",
    "vm_hugepages_1G_percentage",
    "vm_hugepages_nr_4K",
    "vm_hugepages_possible_2M",
    "vm_hugepages_possible_1G",
    "minimum_platform_reserved_mib",
)
"""How StarlingX divides the memory of its own hosts; an EdgeWorker's is not divided."""


def _imemorys(host: Host, facts: Facts, base: str) -> Rows:
    rows = []
    for item in _listed(facts, "imemories"):
        uuid = _uuid(host, "imemory", _numa_node(item))
        rows.append(
            {
                "uuid": uuid,
                **_taken(item, ("memtotal_mib", "hugepages_configured")),
                **dict.fromkeys(_MEMORY_UNKNOWN),
                "numa_node": _numa_node(item),
                "capabilities": {},
                "ihost_uuid": host.uuid,
                "inode_uuid": _node_uuid(host, item),
                "links": links(base, f"imemorys/{uuid}"),
                **_times(facts),
            }
        )
    return rows


_DISK = (
    "device_node",
    "device_num",
    "device_type",
    "device_id",
    "device_path",
    "device_wwn",
    "size_mib",
    "rpm",
    "serial_id",
)


def _idisks(host: Host, facts: Facts, base: str) -> Rows:
    rows = []
    for item in _listed(facts, "idisks"):
        key = item.get("device_path") or item.get("device_node")
        uuid = _uuid(host, "idisk", key)
        rows.append(
            {
                "uuid": uuid,
                **_taken(item, _DISK),
                # None of it is free for StarlingX to use.
                "available_mib": 0,
                "capabilities": item.get("capabilities", {}),
                "ihost_uuid": host.uuid,
                "istor_uuid": None,
                "ipv_uuid": None,
                "links": links(base, f"idisks/{uuid}"),
                "partitions": links(base, f"idisks/{uuid}/partitions"),
                **_times(facts),
            }
        )
    return rows


def _port_head(host: Host, item: Item, uuid: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": "ethernet",
        "name": item.get("pname"),
        "namedisplay": None,
        "pciaddr": item.get("pciaddr"),
        "dev_id": item.get("dev_id", 0),
        "pclass": item.get("pclass"),
        "pvendor": item.get("pvendor"),
        "pdevice": item.get("pdevice"),
        "psvendor": None,
        "psdevice": None,
        "numa_node": item.get("numa_node", -1),
        "sriov_totalvfs": None,
        "sriov_numvfs": None,
        "sriov_vfs_pci_address": None,
        "sriov_vf_driver": None,
        "sriov_vf_pdevice_id": None,
        "driver": item.get("driver"),
    }


def _port_tail(host: Host, item: Item) -> dict[str, Any]:
    return {
        "capabilities": {},
        "numchannels": None,
        "maxchannels": None,
        "sriov_vf_numchannels": None,
        "sriov_vf_maxchannels": None,
        "dpdksupport": False,
        "host_uuid": host.uuid,
        "interface_uuid": None,
        "node_uuid": _node_uuid(host, item),
    }


def _ports(host: Host, facts: Facts, base: str) -> Rows:
    rows = []
    for item in _listed(facts, "ports"):
        uuid = _uuid(host, "port", item.get("pname"))
        path = f"ports/{uuid}"
        rows.append(
            {
                **_port_head(host, item, uuid),
                **_port_tail(host, item),
                "links": links(base, path),
                "lldp_agents": links(base, f"{path}/lldp_agents"),
                "lldp_neighbours": links(base, f"{path}/lldp_neighbours"),
                **_times(facts),
            }
        )
    return rows


def _ethernet_ports(host: Host, facts: Facts, base: str) -> Rows:
    rows = []
    for item in _listed(facts, "ports"):
        uuid = _uuid(host, "port", item.get("pname"))
        rows.append(
            {
                **_port_head(host, item, uuid),
                **_taken(item, ("mac", "mtu", "speed")),
                "link_mode": 0,
                "duplex": None,
                "autoneg": None,
                "bootp": None,
                **_port_tail(host, item),
                "links": links(base, f"ethernet_ports/{uuid}"),
                **_times(facts),
            }
        )
    return rows


def _taken(item: Item, names: Iterable[str]) -> dict[str, Any]:
    return {name: item.get(name) for name in names}


_ROWS: dict[str, Callable[[Host, Facts, str], Rows]] = {
    "inodes": _inodes,
    "icpus": _icpus,
    "imemorys": _imemorys,
    "idisks": _idisks,
    "ports": _ports,
    "ethernet_ports": _ethernet_ports,
}
