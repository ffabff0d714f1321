# SPDX-License-Identifier: Apache-2.0
"""Mounted file systems, as the host's first process sees them (proc(5), mountinfo).

Those of pods and containers come and go and are none of the host's; nor is a mount of
what is mounted elsewhere already. The root is always told, whatever it is on.
"""

import re
from typing import Final

from agents.sysinv_agent.disk import SECTOR_BYTES
from agents.sysinv_agent.files import LARGE, HostFiles, number, text
from agents.sysinv_agent.lvm import volume_name
from hummingbird.wire.section import FileSystem

_OF_CONTAINERS: Final = (
    "/var/lib/kubelet/pods/",
    "/var/lib/kubelet/plugins/",
    "/var/lib/containerd/",
    "/var/lib/containers/",
    "/var/lib/docker/",
    "/run/containerd/",
    "/run/netns/",
)
_NOT_KEPT: Final = ("squashfs", "iso9660", "fuse", "autofs")
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def filesystems(files: HostFiles) -> list[FileSystem]:
    """Return the file systems, by where they are mounted."""
    found: dict[str, FileSystem] = {}
    told: set[str] = set()
    for line in (text(files.mounts, most=LARGE) or "").splitlines():
        left, dash, right = line.partition(" - ")
        words, rest = left.split(" "), right.split(" ")
        if not dash or len(words) < 5 or len(rest) < 2:
            continue
        place, mount = words[2], _plain(words[4])
        kind, device = rest[0], _plain(rest[1])
        is_root = mount == "/"
        if not is_root and (
            not device.startswith("/dev/")
            or kind.startswith(_NOT_KEPT)
            or mount.startswith(_OF_CONTAINERS)
            or (device in told and kind != "btrfs")
            or device.startswith("/dev/loop")
        ):
            continue
        told.add(device)
        found[mount] = _file_system(files, place, mount, kind, device)
    return [found[mount] for mount in sorted(found)]


def _file_system(
    files: HostFiles, place: str, mount: str, kind: str, device: str
) -> FileSystem:
    found: FileSystem = {"mount": mount, "device": device, "fs_type": kind}
    sectors = number(files.sys / "dev/block" / place / "size")
    if sectors is None:
        # btrfs shows a number of its own; its device has the size.
        sectors = number(files.sys / "class/block" / device.rpartition("/")[2] / "size")
    if sectors is not None:
        found["size_mib"] = sectors * SECTOR_BYTES // 2**20
    names = volume_name(files, place)
    if names is not None:
        found["logical_volume"] = names[1]
    return found


def _plain(word: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), word)
