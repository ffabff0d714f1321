# SPDX-License-Identifier: Apache-2.0
"""PCI devices, from /sys/bus/pci, with names where the host has a pci.ids."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict, cast

from agents.sysinv_agent.files import HostFiles, entries, link_name, number
from hummingbird.wire.section import PciDevice

_PLACES = ("hwdata/pci.ids", "misc/pci.ids", "pci.ids")
_VIRTUAL = re.compile(r"virtfn\d+")
_CLASS_MARK = b"C "


class Sriov(TypedDict, total=False):
    """What both a port and a PCI device say of SR-IOV, in sysinv's words."""

    sriov_totalvfs: int
    sriov_numvfs: int
    sriov_vfs_pci_address: str
    sriov_vf_driver: str
    sriov_vf_pdevice_id: str


class Names:
    """The names of PCI's numbers, read once for those that this host has.

    The file has 40,000 lines, of which a host needs a few dozen.
    """

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._names: dict[str, str] = {}

    def read(self, files: HostFiles, devices: Iterable["Ids"]) -> None:
        """Have the names that these devices need; does nothing if nothing is new."""
        wanted = {key for ids in devices for key in ids.wanted()}
        path = next(
            (files.share / p for p in _PLACES if (files.share / p).exists()), None
        )
        of = (path, frozenset(wanted))
        if of == self._of:
            return
        self._of, self._names = of, {}
        if path is not None:
            try:
                with path.open("rb") as lines:
                    self._names = _named(lines, wanted)
            except OSError:
                return

    def of(self, *keys: str) -> str | None:
        """Return the name of the first of these that has one."""
        return next((self._names[key] for key in keys if key in self._names), None)


class Ids:
    """The numbers of one device, as hex digits without 0x."""

    def __init__(self, folder: Path) -> None:
        self.kind = _digits(folder / "class", 6)
        self.vendor = _digits(folder / "vendor", 4)
        self.device = _digits(folder / "device", 4)
        self.revision = _digits(folder / "revision", 2)
        self.sub_vendor = _digits(folder / "subsystem_vendor", 4)
        self.sub_device = _digits(folder / "subsystem_device", 4)

    def wanted(self) -> tuple[str, ...]:
        """Return what names are wanted by."""
        return (
            *self.class_keys(),
            self.vendor,
            self.device_key(),
            self.sub_vendor,
            self.sub_key(),
        )

    def class_keys(self) -> tuple[str, str]:
        """Return the keys of the class's name, the closest first."""
        return f"C{self.kind[:4]}", f"C{self.kind[:2]}"

    def device_key(self) -> str:
        """Return the key of the device's name."""
        return f"{self.vendor}:{self.device}"

    def sub_key(self) -> str:
        """Return the key of the subsystem's name."""
        return f"{self.vendor}:{self.device}:{self.sub_vendor}:{self.sub_device}"


def pci_devices(files: HostFiles, names: Names) -> list[PciDevice]:
    """Return the physical functions on PCI, by address."""
    paths = [
        path
        for path in entries(files.sys / "bus/pci/devices")
        if not (path / "physfn").exists()
    ]
    ids = {path: Ids(path) for path in paths}
    names.read(files, ids.values())
    return [_device(path, ids[path], names) for path in paths]


def sriov(folder: Path) -> Sriov:
    """Return what a PCI device says of its virtual functions."""
    found: Sriov = {}
    total = number(folder / "sriov_totalvfs")
    if total is None:
        return found
    found["sriov_totalvfs"] = total
    found["sriov_numvfs"] = number(folder / "sriov_numvfs") or 0
    virtual = [p for p in entries(folder) if _VIRTUAL.fullmatch(p.name)]
    virtual.sort(key=lambda p: int(p.name[6:]))
    if virtual:
        addresses = [link_name(path) or "" for path in virtual]
        found["sriov_vfs_pci_address"] = ",".join(addresses)
        driver = link_name(virtual[0] / "driver")
        if driver:
            found["sriov_vf_driver"] = driver
        device = _digits(virtual[0] / "device", 4)
        if device:
            found["sriov_vf_pdevice_id"] = device
    return found


def _device(path: Path, ids: Ids, names: Names) -> PciDevice:
    driver = link_name(path / "driver")
    found: PciDevice = {
        "name": "pci_" + re.sub(r"[:.]", "_", path.name),
        "pciaddr": path.name,
        "pclass_id": ids.kind,
        "pvendor_id": ids.vendor,
        "pdevice_id": ids.device,
        "pclass": names.of(*ids.class_keys()) or ids.kind,
        "pvendor": names.of(ids.vendor) or ids.vendor,
        "pdevice": names.of(ids.device_key()) or ids.device,
        "prevision": ids.revision,
        # A device without a driver is there, and nobody uses it.
        "enabled": driver is not None,
    }
    if ids.sub_vendor.strip("0"):
        found["psvendor"] = names.of(ids.sub_vendor) or ids.sub_vendor
        found["psdevice"] = names.of(ids.sub_key()) or ids.sub_device
    node = number(path / "numa_node")
    if node is not None and node >= 0:
        found["numa_node"] = node
    if driver:
        found["driver"] = driver
    return cast(PciDevice, {**found, **sriov(path)})


def _digits(path: Path, length: int) -> str:
    value = number(path, base=16)
    return "" if value is None else f"{value:0{length}x}"


def _named(lines: Iterable[bytes], wanted: set[str]) -> dict[str, str]:
    """Return the names of the keys, from a file in the format of pci.ids(5)."""
    found: dict[str, str] = {}
    top = middle = ""
    for line in lines:
        if line.startswith((b"#", b"\n")):
            continue
        if line.startswith(b"\t\t"):
            sub_vendor, sub_device, name = (*line[2:].split(None, 2), b"", b"")[:3]
            key = f"{middle}:{sub_vendor.decode('ascii', 'replace')}"
            key += f":{sub_device.decode('ascii', 'replace')}"
        elif line.startswith(b"\t"):
            number_, _, name = line[1:].partition(b"  ")
            digits = number_.decode("ascii", "replace")
            key = middle = f"{top}{digits}" if top[:1] == "C" else f"{top}:{digits}"
        else:
            is_class = line.startswith(_CLASS_MARK)
            number_, _, name = line.removeprefix(_CLASS_MARK).partition(b"  ")
            digits = number_.decode("ascii", "replace")
            key = top = f"C{digits}" if is_class else digits
        if key in wanted:
            found.setdefault(key, name.decode("utf-8", "replace").strip())
    return found
