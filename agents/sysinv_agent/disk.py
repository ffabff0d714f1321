# SPDX-License-Identifier: Apache-2.0
"""Whole disks and their partitions, from /sys/block and udev's notes.

Loops, RAM disks, device-mapper and RAID are not disks.
"""

import re
from pathlib import Path
from typing import Final

from agents.sysinv_agent.files import (
    HostFiles,
    entries,
    link_name,
    number,
    text,
    udev,
    udev_links,
    udev_property,
)
from hummingbird.wire.section import Disk, Partition

_NOT_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|mmcblk\d+(boot|rpmb))")
SECTOR_BYTES: Final = 512
"""The unit of `size`, whatever the disk's own sectors (Documentation/ABI/stable/sysfs-block)."""

_TYPES: Final = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI System",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux filesystem",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (ARM-64)",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "ba5eba11-0000-1111-2222-000000000001": "LVM Physical Volume",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery environment",
    "0x82": "Linux swap",
    "0x83": "Linux",
    "0x8e": "Linux LVM",
    "0xc": "W95 FAT32 (LBA)",
    "0xef": "EFI (FAT-12/16/32)",
    "0xfd": "Linux raid autodetect",
}
"""Names as fdisk(8) has them, and StarlingX's own type (sysinv constants.py)."""


def disks(files: HostFiles) -> list[Disk]:
    """Return the disks, by name."""
    return [_disk(files, path) for path in disk_paths(files)]


def partitions(files: HostFiles) -> list[Partition]:
    """Return the partitions of the disks, by name."""
    return [
        _partition(files, path, disk=disk.name)
        for disk in disk_paths(files)
        for path in entries(disk)
        if (path / "partition").exists()
    ]


def disk_paths(files: HostFiles) -> list[Path]:
    """Return the folders of the disks in /sys."""
    return [
        path
        for path in entries(files.sys / "block")
        # A card reader without a card has size 0.
        if not _NOT_DISKS.match(path.name) and number(path / "size")
    ]


def _disk(files: HostFiles, path: Path) -> Disk:
    said = udev(files, text(path / "dev"))
    device = path / "device"
    rotates = number(path / "queue/rotational") == 1
    rate = udev_property(said, "ID_ATA_ROTATION_RATE_RPM") if rotates else None
    disk: Disk = {
        "device_node": f"/dev/{path.name}",
        "device_type": _kind(path.name, rotates=rotates),
        "size_mib": (number(path / "size") or 0) * SECTOR_BYTES // 2**20,
        "rpm": (rate or "Undetermined") if rotates else "N/A",
    }
    major, _, minor = (text(path / "dev") or "").partition(":")
    if major.isdecimal() and minor.isdecimal():
        # As makedev(3) packs it for small numbers; sysinv shows the same.
        disk["device_num"] = int(major) * 256 + int(minor)
    by_path = udev_links(said, "by-path")
    place = f"/dev/disk/by-path/{by_path[0]}" if by_path else _place(path)
    if place:
        disk["device_path"] = place
    by_id = [name for name in udev_links(said, "by-id") if not _is_wwn(name)]
    if by_id:
        disk["device_id"] = by_id[0]
    wwn = (
        udev_property(said, "ID_WWN_WITH_EXTENSION", "ID_WWN")
        or text(path / "wwid")
        or text(device / "wwid")
    )
    if wwn:
        disk["device_wwn"] = wwn
    serial = (
        udev_property(said, "ID_SCSI_SERIAL", "ID_SERIAL_SHORT")
        or text(device / "serial")
        or text(path / "serial")
    )
    if serial:
        disk["serial_id"] = serial
    model = text(device / "model") or text(device / "name")
    if model:
        disk["capabilities"] = {"model_num": model}
    if number(path / "removable") == 1:
        disk["removable"] = True
    return disk


def _partition(files: HostFiles, path: Path, *, disk: str) -> Partition:
    said = udev(files, text(path / "dev"))
    start, size = number(path / "start") or 0, number(path / "size") or 0
    found: Partition = {
        "device_node": f"/dev/{path.name}",
        "disk": f"/dev/{disk}",
        "start_mib": start * SECTOR_BYTES // 2**20,
        "end_mib": (start + size) * SECTOR_BYTES // 2**20,
        "size_mib": size * SECTOR_BYTES // 2**20,
    }
    by_path = udev_links(said, "by-path")
    if by_path:
        # A partition on an NVMe disk has links by its label and uuid, too.
        found["device_path"] = f"/dev/disk/by-path/{by_path[0]}"
    kind = udev_property(said, "ID_PART_ENTRY_TYPE")
    if kind:
        found["type_guid"] = kind.lower()
        found["type_name"] = _TYPES.get(kind.lower(), kind.lower())
    uuid = udev_property(said, "ID_PART_ENTRY_UUID", "PARTUUID")
    label = udev_property(said, "ID_PART_ENTRY_NAME", "PARTNAME")
    content = udev_property(said, "ID_FS_TYPE")
    if uuid:
        found["uuid"] = uuid
    if label:
        found["label"] = label
    if content:
        found["content"] = content
    return found


def _is_wwn(name: str) -> bool:
    return name.startswith(("wwn-", "nvme-eui.", "nvme-nvme.", "dm-", "lvm-"))


def _kind(name: str, *, rotates: bool) -> str:
    if name.startswith("nvme"):
        return "NVME"
    return "HDD" if rotates else "SSD"


def _place(path: Path) -> str | None:
    """Return where the disk hangs, without what numbers anew at each boot."""
    try:
        target = str(path.readlink())
    except OSError:
        return None
    place = target.partition("devices/")[2]
    return place or link_name(path)
