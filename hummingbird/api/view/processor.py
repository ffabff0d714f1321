# SPDX-License-Identifier: Apache-2.0
"""NUMA nodes, CPUs and memory as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/{node,cpu,memory}.py)."""

from hummingbird.api.view.inventory_item import Row, Seen, taken
from hummingbird.domain.facts import numa_node


def inodes(seen: Seen) -> list[Row]:
    """Return the NUMA nodes."""
    rows = []
    for item in seen.items("inodes"):
        uuid = seen.node_uuid(item)
        path = f"inodes/{uuid}"
        rows.append(
            {
                "uuid": uuid,
                "numa_node": numa_node(item),
                "capabilities": {},
                "ihost_uuid": seen.host.uuid,
                "links": seen.links(path),
                **{
                    name: seen.links(f"{path}/{name}")
                    for name in ("icpus", "imemorys", "ports")
                },
                **seen.times("inodes"),
            }
        )
    return rows


def icpus(seen: Seen) -> list[Row]:
    """Return the logical CPUs."""
    rows = []
    for item in seen.items("icpus"):
        uuid = seen.uuid("icpu", seen.key("icpus", item))
        rows.append(
            {
                "uuid": uuid,
                **taken(item, ("cpu", "core", "thread", "cpu_family", "cpu_model")),
                # StarlingX's word for a CPU that its platform leaves to workloads.
                "allocated_function": "Application",
                "numa_node": numa_node(item),
                "capabilities": {},
                "ihost_uuid": seen.host.uuid,
                "inode_uuid": seen.node_uuid(item),
                "links": seen.links(f"icpus/{uuid}"),
                **seen.times("icpus"),
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
"""How StarlingX divides the memory of its own hosts; an EdgeWorker's is not divided, and
what of it is free changes by itself. Of these, huge pages are filled in if reported."""


def imemorys(seen: Seen) -> list[Row]:
    """Return the memory of each NUMA node."""
    rows = []
    for item in seen.items("imemories"):
        uuid = seen.uuid("imemory", seen.key("imemories", item))
        huge = ("vm_hugepages_nr_2M", "vm_hugepages_nr_1G")
        rows.append(
            {
                "uuid": uuid,
                **taken(item, ("memtotal_mib", "hugepages_configured")),
                **dict.fromkeys(_MEMORY_UNKNOWN),
                **taken(item, huge),
                "numa_node": numa_node(item),
                "capabilities": {},
                "ihost_uuid": seen.host.uuid,
                "inode_uuid": seen.node_uuid(item),
                "links": seen.links(f"imemorys/{uuid}"),
                **seen.times("imemories"),
            }
        )
    return rows
