# SPDX-License-Identifier: Apache-2.0
"""Reads small files of the host that may not be there, or not be text."""

from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 64 * 1024
LARGE = 2**20
"""For the few files of /proc that grow with the host."""


@dataclass(frozen=True)
class HostFiles:
    """Where the host's own folders are mounted, read-only. One that is not there is as
    good as an empty one."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    mounts: Path = Path("/proc/1/mountinfo")
    """Those of the host's first process; a container's own are another's."""
    net: Path = Path("/proc/net")
    """Of the network that this process shares with the host."""
    etc: Path = Path("/host/etc")
    """Of it, os-release and lvm/backup are read and nothing else."""
    usr_lib: Path = Path("/host/usr/lib")
    """/etc/os-release is a link into here on most systems."""
    share: Path = Path("/host/usr/share")
    """For the names in pci.ids."""
    udev: Path = Path("/run/udev")
    """What udev knows of devices, their links in /dev above all."""
    dev: Path = Path("/dev")
    """Where a container is allowed to read disks, LVM's own notes are read off them."""


def text(path: Path, *, most: int = MAX_BYTES) -> str | None:
    """Return the file's content without outer blanks, or None if there is none."""
    try:
        with path.open("rb") as stream:
            content = stream.read(most)
    except OSError:
        return None
    return content.decode("utf-8", "replace").strip("\0 \t\r\n") or None


def number(path: Path, *, base: int = 10) -> int | None:
    """Return the number in the file, or None if there is none."""
    try:
        return int(text(path) or "", base)
    except ValueError:
        return None


def link_name(path: Path) -> str | None:
    """Return the last part of what a link points to, or None if there is none."""
    try:
        return path.readlink().name
    except OSError:
        return None


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, by name; nothing if there is no such folder."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def udev_links(said: dict[str, list[str]], folder: str) -> list[str]:
    """Return the links below /dev/disk/`folder`/ of a device, by name."""
    start = f"disk/{folder}/"
    return sorted(
        link[len(start) :] for link in said.get("", ()) if link.startswith(start)
    )


def udev(files: HostFiles, device_number: str | None) -> dict[str, list[str]]:
    """Return what udev knows of a block device: its properties by name, each in a list
    of one, and under "" its links (systemd src/libsystemd/sd-device/device-private.c).

    :param device_number: "8:0", as in /sys.
    """
    found: dict[str, list[str]] = {}
    if device_number is None:
        return found
    for line in (text(files.udev / "data" / f"b{device_number}") or "").splitlines():
        kind, _, rest = line.partition(":")
        if kind == "S":
            found.setdefault("", []).append(rest)
        elif kind == "E":
            name, _, value = rest.partition("=")
            found[name] = [value]
    return found


def udev_property(said: dict[str, list[str]], *names: str) -> str | None:
    """Return the first of these properties that a device has."""
    return next((said[name][0] for name in names if said.get(name)), None)
