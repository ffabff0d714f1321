# SPDX-License-Identifier: Apache-2.0
"""Whole disks, from /sys/block. Loops, RAM disks, device-mapper and RAID are not disks."""

import re
from pathlib import Path

from agents.sysinv_agent.files import HostFiles, entries, link_name, number, text
from hummingbird.wire.section import Disk

_NOT_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|mmcblk\d+(boot|rpmb))")
_SECTOR_BYTES = 512
"""The unit of `size`, whatever the disk's own sectors (Documentation/ABI/stable/sysfs-block)."""


def disks(files: HostFiles) -> list[Disk]:
    """Return the disks, by name."""
    found = []
    for path in entries(files.sys / "block"):
        sectors = number(path / "size")
        # A card reader without a card has size 0.
        if not _NOT_DISKS.match(path.name) and sectors:
            found.append(_disk(path, sectors))
    return found


def _disk(path: Path, sectors: int) -> Disk:
    device = path / "device"
    rotates = number(path / "queue/rotational") == 1
    disk: Disk = {
        "device_node": f"/dev/{path.name}",
        "device_type": _kind(path.name, rotates=rotates),
        "size_mib": sectors * _SECTOR_BYTES // 2**20,
        "rpm": "Undetermined" if rotates else "N/A",
    }
    major, _, minor = (text(path / "dev") or "").partition(":")
    if major.isdecimal() and minor.isdecimal():
        # As makedev(3) packs it for small numbers; sysinv shows the same.
        disk["device_num"] = int(major) * 256 + int(minor)
    place = _place(path)
    if place:
        disk["device_path"] = place
    wwn = text(path / "wwid") or text(device / "wwid")
    if wwn:
        disk["device_wwn"] = wwn
    serial = text(device / "serial") or text(path / "serial")
    if serial:
        disk["serial_id"] = serial
    model = text(device / "model") or text(device / "name")
    if model:
        disk["capabilities"] = {"model_num": model}
    return disk


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
