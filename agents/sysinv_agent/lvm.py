# SPDX-License-Identifier: Apache-2.0
"""LVM, read only: volume groups and physical volumes.

Three sources, the best that there is for each group:

1. LVM's own text of the group: /etc/lvm/backup/NAME, or off the disk itself, where the
   container may read it (it may not, as the chart has it).
2. What the kernel and udev know: the device-mapper volumes and what they lie on, and the
   uuids of physical volumes. That has no extents; sizes are then those of the devices.

No program of LVM is run: it would want to write, and locks.
"""

import os
import re
import struct
from pathlib import Path
from typing import Any, Final

from agents.sysinv_agent.files import HostFiles, entries, number, text, udev
from agents.sysinv_agent.files import udev_property as known
from hummingbird.wire.section import PhysicalVolume, VolumeGroup

SECTOR: Final = 512
_MEMBER: Final = "LVM2_member"
_LABEL: Final = b"LABELONE"
_LABEL_SECTORS: Final = 4
"""The label is in one of the first four sectors (lvm2 lib/label/label.h)."""
_MOST_METADATA: Final = 1024 * 1024
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|[\w.+/-]+|[{}\[\]=,]')
_DEEPEST: Final = 16

Config = dict[str, Any]


def lvm(files: HostFiles) -> tuple[list[VolumeGroup], list[PhysicalVolume]]:
    """Return the volume groups and the physical volumes, each by name."""
    members = _members(files)
    groups: dict[str, VolumeGroup] = {}
    volumes: dict[str, PhysicalVolume] = {}
    for name, config in _configs(files, members).items():
        groups[name] = _group(name, config)
        for volume in _volumes(name, config, members):
            volumes[volume["lvm_pv_uuid"]] = volume
    for uuid, path in members.items():
        if uuid not in volumes:
            volumes[uuid] = _bare_volume(files, uuid, path)
    for volume in volumes.values():
        name = volume.get("lvm_vg_name", "")
        if name and name not in groups:
            some = [v for v in volumes.values() if v.get("lvm_vg_name") == name]
            groups[name] = _bare_group(files, name, some)
    return (
        [groups[name] for name in sorted(groups)],
        sorted(volumes.values(), key=lambda v: v.get("lvm_pv_name", "")),
    )


def volume_name(files: HostFiles, device_number: str) -> tuple[str, str] | None:
    """Return group and name of the logical volume with this number ("253:0")."""
    folder = files.sys / "dev/block" / device_number / "dm"
    if not (text(folder / "uuid") or "").startswith("LVM-"):
        return None
    return _split(text(folder / "name") or "")


def _members(files: HostFiles) -> dict[str, Path]:
    """Return the devices that are physical volumes, by LVM's uuid of each."""
    found = {}
    for path in entries(files.sys / "class/block"):
        said = udev(files, text(path / "dev"))
        uuid = known(said, "ID_FS_UUID")
        if uuid and known(said, "ID_FS_TYPE") == _MEMBER:
            found[uuid] = path
    return found


def _configs(files: HostFiles, members: dict[str, Path]) -> dict[str, Config]:
    texts = [_off_disk(files.dev / path.name) for path in members.values()]
    texts += [text(path) for path in entries(files.etc / "lvm/backup")]
    found: dict[str, Config] = {}
    for content in texts:
        for name, config in parse(content or "").items():
            if isinstance(config, dict) and "physical_volumes" in config:
                former = found.get(name, {})
                if _whole(config, "seqno") >= _whole(former, "seqno"):
                    found[name] = config
    # A backup outlives its group; what has a member here is here.
    return {
        name: config
        for name, config in found.items()
        if any(
            _uuid(volume) in members for volume in _parts(config, "physical_volumes")
        )
    }


def _group(name: str, config: Config) -> VolumeGroup:
    extent = _whole(config, "extent_size") * SECTOR
    volumes = _parts(config, "physical_volumes")
    total = sum(_whole(volume, "pe_count") for volume in volumes)
    used = sum(_used(config).values())
    logical = _parts(config, "logical_volumes")
    words = _words(config)
    return {
        "lvm_vg_name": name,
        "lvm_vg_uuid": _uuid(config),
        # As vgs(8) writes it: may be written, resized, exported…
        "lvm_vg_access": ("w" if "WRITE" in words else "r")
        + ("z" if "RESIZEABLE" in words else "-")
        + "--n-",
        "lvm_max_lv": _whole(config, "max_lv"),
        "lvm_cur_lv": sum("VISIBLE" in _words(one) for one in logical),
        "lvm_max_pv": _whole(config, "max_pv"),
        "lvm_cur_pv": len(volumes),
        "lvm_vg_size": total * extent,
        "lvm_vg_total_pe": total,
        "lvm_vg_free_pe": max(0, total - used),
    }


def _volumes(
    name: str, config: Config, members: dict[str, Path]
) -> list[PhysicalVolume]:
    extent = _whole(config, "extent_size") * SECTOR
    used = _used(config)
    described = config.get("physical_volumes")
    found: list[PhysicalVolume] = []
    for key, volume in (described if isinstance(described, dict) else {}).items():
        if not isinstance(volume, dict):
            continue
        uuid, count = _uuid(volume), _whole(volume, "pe_count")
        path = members.get(uuid)
        # The text has the name that the device had when it was written.
        node = f"/dev/{path.name}" if path else str(volume.get("device", ""))
        found.append(
            {
                "lvm_pv_name": node,
                "lvm_vg_name": name,
                "lvm_pv_uuid": uuid,
                "lvm_pv_size": count * extent,
                "lvm_pe_total": count,
                "lvm_pe_alloced": min(count, used.get(key, 0)),
            }
        )
    return found


def _used(config: Config) -> dict[str, int]:
    """Return the extents in use, by the name of the physical volume ("pv0")."""
    found: dict[str, int] = {}
    for logical in _parts(config, "logical_volumes"):
        for key, segment in logical.items():
            if not key.startswith("segment") or not isinstance(segment, dict):
                continue
            stripes = segment.get("stripes")
            if not isinstance(stripes, list) or not stripes:
                continue  # on other logical volumes, which are counted themselves
            each = _whole(segment, "extent_count") // max(1, len(stripes) // 2)
            for place in stripes[::2]:
                found[str(place)] = found.get(str(place), 0) + each
    return found


def _bare_volume(files: HostFiles, uuid: str, path: Path) -> PhysicalVolume:
    found: PhysicalVolume = {
        "lvm_pv_name": f"/dev/{path.name}",
        "lvm_pv_uuid": uuid,
        "lvm_pv_size": (number(path / "size") or 0) * SECTOR,
    }
    for holder in entries(path / "holders"):
        place = text(holder / "dev")
        names = None if place is None else volume_name(files, place)
        if names is not None:
            found["lvm_vg_name"] = names[0]
            break
    return found


def _bare_group(
    files: HostFiles, name: str, volumes: list[PhysicalVolume]
) -> VolumeGroup:
    logical = 0
    for path in entries(files.sys / "block"):
        place = text(path / "dev") if path.name.startswith("dm-") else None
        names = None if place is None else volume_name(files, place)
        logical += names is not None and names[0] == name
    return {
        "lvm_vg_name": name,
        "lvm_cur_pv": len(volumes),
        "lvm_cur_lv": logical,
        "lvm_vg_size": sum(volume.get("lvm_pv_size", 0) for volume in volumes),
    }


def _split(name: str) -> tuple[str, str] | None:
    """Return group and volume of a device-mapper name, in which LVM doubles hyphens."""
    found = re.fullmatch(r"((?:[^-]|--)+)-((?:[^-]|--).*)", name)
    if not found:
        return None
    return found[1].replace("--", "-"), found[2].replace("--", "-")


def _off_disk(node: Path) -> str | None:
    """Return the text of the group on a device, where it may be read (the layout: lvm2
    lib/format_text/layout.h)."""
    try:
        device = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _metadata(device)
    except (OSError, OverflowError, struct.error):
        return None
    finally:
        os.close(device)


def _metadata(device: int) -> str | None:
    head = os.pread(device, _LABEL_SECTORS * SECTOR, 0)
    start = next(
        (at for at in range(0, len(head), SECTOR) if head[at : at + 8] == _LABEL), None
    )
    if start is None:
        return None
    # Label: id, sector, checksum, offset of the header of the physical volume.
    (offset,) = struct.unpack_from("<I", head, start + 20)
    at = start + offset + 32 + 8  # past its uuid and size
    areas = 0
    while areas < 2:
        place, size = struct.unpack_from("<QQ", head, at)
        at += 16
        if place:
            if areas:
                found = _area(device, place, size)
                if found is not None:
                    return found
            continue
        areas += 1  # first the list of data areas, then that of metadata areas
    return None


def _area(device: int, place: int, size: int) -> str | None:
    header = os.pread(device, SECTOR, place)
    # Checksum, magic, version, start, size; then the places of the text.
    if header[4:20] != b" LVM2 x[5A%r0N*>":
        return None
    offset, length = struct.unpack_from("<QQ", header, 40)
    if not offset or not 0 < length <= min(size, _MOST_METADATA):
        return None
    first = min(length, size - offset)
    content = os.pread(device, first, place + offset)
    if first < length:  # it is a ring, after the header
        content += os.pread(device, length - first, place + SECTOR)
    return content.decode("utf-8", "replace").rstrip("\0\n")


def parse(content: str) -> Config:
    """Return LVM's text (lvm.conf(5)'s syntax) as dictionaries, lists, texts and whole
    numbers; what is not understood ends it."""
    tokens = [t for t in _TOKEN.findall(content[:_MOST_METADATA]) if t[0] != "#"]
    try:
        return _section(tokens, [0], 0)
    except (IndexError, ValueError):
        return {}


def _section(tokens: list[str], at: list[int], depth: int) -> Config:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    found: Config = {}
    while at[0] < len(tokens) and tokens[at[0]] != "}":
        name = tokens[at[0]]
        if tokens[at[0] + 1] == "{":
            at[0] += 2
            found[name] = _section(tokens, at, depth + 1)
            if tokens[at[0]] != "}":
                raise ValueError("a section does not end")
            at[0] += 1
        elif tokens[at[0] + 1] == "=":
            at[0] += 2
            found[name] = _value(tokens, at)
        else:
            raise ValueError("neither a section nor a value")
    return found


def _value(tokens: list[str], at: list[int]) -> Any:
    first = tokens[at[0]]
    at[0] += 1
    if first != "[":
        return _plain(first)
    items = []
    while tokens[at[0]] != "]":
        if tokens[at[0]] != ",":
            items.append(_plain(tokens[at[0]]))
        at[0] += 1
    at[0] += 1
    return items


def _plain(token: str) -> str | int:
    if token.startswith('"'):
        return token[1:-1].replace('\\"', '"')
    return int(token) if re.fullmatch(r"-?\d+", token) else token


def _parts(config: Config, name: str) -> list[Config]:
    found = config.get(name)
    if not isinstance(found, dict):
        return []
    return [part for part in found.values() if isinstance(part, dict)]


def _whole(config: Config, name: str) -> int:
    value = config.get(name)
    return value if isinstance(value, int) else 0


def _words(config: Config) -> list[Any]:
    """Return the status of a group or a volume, which is a list of words."""
    found = config.get("status")
    return found if isinstance(found, list) else []


def _uuid(config: Config) -> str:
    return str(config.get("id", ""))
