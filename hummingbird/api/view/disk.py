# SPDX-License-Identifier: Apache-2.0
"""Disks, partitions, LVM and file systems as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/{disk,partition,pv,lvg,host_fs}.py). All of it is read only."""

from typing import Any

from hummingbird.api.view.inventory_item import Row, Seen, taken, whole
from hummingbird.domain.facts import Item

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
_PARTITION = (
    "start_mib",
    "end_mib",
    "size_mib",
    "device_path",
    "device_node",
    "type_guid",
    "type_name",
)
_IN_USE = 1
"""PARTITION_IN_USE_STATUS (StarlingX config sysinv/common/constants.py): none is free for
StarlingX to use."""
_GIB_MIB = 1024


def idisks(seen: Seen) -> list[Row]:
    """Return the disks."""
    rows = []
    for item in seen.items("idisks"):
        uuid = _disk_uuid(seen, item)
        rows.append(
            {
                "uuid": uuid,
                **taken(item, _DISK),
                # None of it is free for StarlingX to use.
                "available_mib": 0,
                "capabilities": item.get("capabilities", {}),
                "ihost_uuid": seen.host.uuid,
                "istor_uuid": None,
                "ipv_uuid": _pv_uuid(seen, item),
                "links": seen.links(f"idisks/{uuid}"),
                "partitions": seen.links(f"idisks/{uuid}/partitions"),
                **seen.times("idisks"),
            }
        )
    return rows


def partitions(seen: Seen) -> list[Row]:
    """Return the partitions of the disks."""
    disks = {disk.get("device_node"): disk for disk in seen.items("idisks")}
    rows = []
    for item in seen.items("partitions"):
        uuid = _partition_uuid(seen, item)
        disk = disks.get(item.get("disk"))
        rows.append(
            {
                "uuid": uuid,
                **taken(item, _PARTITION),
                "capabilities": {},
                "idisk_uuid": None if disk is None else _disk_uuid(seen, disk),
                "ipv_uuid": _pv_uuid(seen, item),
                "ihost_uuid": seen.host.uuid,
                "status": _IN_USE,
                "links": seen.links(f"partitions/{uuid}"),
                **seen.times("partitions"),
            }
        )
    return rows


def ipvs(seen: Seen) -> list[Row]:
    """Return the physical volumes of LVM."""
    rows = []
    for item in seen.items("pvs"):
        uuid = seen.uuid("ipv", seen.key("pvs", item))
        group = item.get("lvm_vg_name")
        rows.append(
            {
                "uuid": uuid,
                "pv_state": "provisioned",
                **_place(seen, item),
                **taken(item, ("lvm_pv_name", "lvm_vg_name", "lvm_pv_uuid")),
                "lvm_pv_size": whole(item, "lvm_pv_size"),
                "lvm_pe_alloced": whole(item, "lvm_pe_alloced"),
                "lvm_pe_total": whole(item, "lvm_pe_total"),
                "capabilities": {},
                "ilvg_uuid": seen.uuid("ilvg", group) if group else None,
                "ihost_uuid": seen.host.uuid,
                "links": seen.links(f"ipvs/{uuid}"),
                **seen.times("pvs"),
            }
        )
    return rows


def ilvgs(seen: Seen) -> list[Row]:
    """Return the volume groups of LVM."""
    rows = []
    for item in seen.items("lvgs"):
        uuid = seen.uuid("ilvg", seen.key("lvgs", item))
        size, total = whole(item, "lvm_vg_size"), whole(item, "lvm_vg_total_pe")
        free = whole(item, "lvm_vg_free_pe")
        rows.append(
            {
                "uuid": uuid,
                "lvm_vg_name": item.get("lvm_vg_name"),
                "vg_state": "provisioned",
                **taken(item, ("lvm_vg_uuid", "lvm_vg_access")),
                "lvm_max_lv": whole(item, "lvm_max_lv"),
                "lvm_cur_lv": whole(item, "lvm_cur_lv"),
                "lvm_max_pv": whole(item, "lvm_max_pv"),
                "lvm_cur_pv": whole(item, "lvm_cur_pv"),
                "lvm_vg_size": size,
                "lvm_vg_avail_size": size * free // total if total else 0,
                "lvm_vg_total_pe": total,
                "lvm_vg_free_pe": free,
                "lvm_function": None,
                "lvm_type": None,
                "lvm_pool_size": None,
                "capabilities": {},
                "ihost_uuid": seen.host.uuid,
                "links": seen.links(f"ilvgs/{uuid}"),
                "ipvs": seen.links(f"ilvgs/{uuid}/ipvs"),
                **seen.times("lvgs"),
            }
        )
    return rows


def host_fs(seen: Seen) -> list[Row]:
    """Return the file systems; the name of one is where it is mounted."""
    rows = []
    for item in seen.items("filesystems"):
        uuid = seen.uuid("host_fs", seen.key("filesystems", item))
        rows.append(
            {
                "uuid": uuid,
                "name": item.get("mount"),
                # sysinv counts in GiB; a smaller one is not nothing.
                "size": -(-whole(item, "size_mib") // _GIB_MIB),
                "logical_volume": item.get("logical_volume") or item.get("device"),
                "state": "In-Use",
                "capabilities": {"fs_type": item.get("fs_type") or ""},
                "ihost_uuid": seen.host.uuid,
                "links": seen.links(f"host_fs/{uuid}"),
                **seen.times("filesystems"),
            }
        )
    return rows


def _disk_uuid(seen: Seen, item: Item) -> str:
    return seen.uuid("idisk", seen.key("idisks", item))


def _partition_uuid(seen: Seen, item: Item) -> str:
    return seen.uuid("partition", seen.key("partitions", item))


def _pv_uuid(seen: Seen, item: Item) -> str | None:
    """Return the uuid of the physical volume that is on a disk or partition."""
    node = item.get("device_node")
    for volume in seen.items("pvs"):
        if node is not None and volume.get("lvm_pv_name") == node:
            return seen.uuid("ipv", seen.key("pvs", volume))
    return None


def _place(seen: Seen, volume: Item) -> dict[str, Any]:
    """Return what a physical volume is on."""
    name = volume.get("lvm_pv_name")
    found: dict[str, Any] = {
        "pv_type": None,
        "disk_or_part_uuid": None,
        "disk_or_part_device_node": name,
        "disk_or_part_device_path": None,
    }
    for kind, section, uuid_of in (
        ("disk", "idisks", _disk_uuid),
        ("partition", "partitions", _partition_uuid),
    ):
        for item in seen.items(section):
            if name is not None and item.get("device_node") == name:
                found |= {
                    "pv_type": kind,
                    "disk_or_part_uuid": uuid_of(seen, item),
                    "disk_or_part_device_path": item.get("device_path"),
                }
    return found
