# SPDX-License-Identifier: Apache-2.0
"""Network ports and interfaces, from /sys/class/net: on PCI, USB or part of the chip.

A port is an interface with hardware behind it (a `device` link in /sys). Where none has
one, as in a container that plays a host, an Ethernet interface that is not made by
software that names its kind (bridge, bond, VLAN, tunnel, veth, …) counts. Interfaces are
the ports and, on top of them, bonds, VLANs, bridges and our own tunnels; what container
networks make is none of the host's.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from agents.sysinv_agent.files import HostFiles, entries, link_name, number, text
from agents.sysinv_agent.pci import Ids, Names, sriov
from hummingbird.wire.section import Interface, Port

_ETHERNET = 1
"""ARPHRD_ETHER, linux/if_arp.h."""
PCI_ADDRESS: Final = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MADE_BY_SOFTWARE = ("bridge", "bonding", "tun_flags", "brport", "master")
# Names that container networks give to their ends and tunnels.
NAMED_BY_SOFTWARE: Final = re.compile(
    r"(lo$|veth|cali|cilium|lxc|cni|flannel|docker|br-|virbr|vxlan|wg|tun|tap|dummy|ifb"
    r"|kube|nodelocaldns|tunl|sit|gre|erspan|ip6|ip_|hb)"
)
_OURS: Final = re.compile(r"hb-(?!probe)")
"""Hummingbird's own tunnels on a host (playbooks/roles/tunnel), which may have the address
that it is known by."""
_TYPES: Final = {"bond": "ae", "vlan": "vlan", "bridge": "virtual"}
_MODES: Final = {
    "balance-rr": "balanced",
    "active-backup": "active_standby",
    "balance-xor": "balanced",
    "802.3ad": "802.3ad",
}
"""The kernel's names of bonding modes, and sysinv's."""


def ports(files: HostFiles, names: Names) -> list[Port]:
    """Return the ports, by name; `names` knows those of the PCI devices."""
    return [_port(path, names) for path in _port_paths(files)]


def interfaces(files: HostFiles, *, addresses: dict[str, list[str]]) -> list[Interface]:
    """Return the interfaces, by name, with those of the `addresses` that are theirs."""
    found: dict[str, Interface] = {}
    for path in _port_paths(files):
        found[path.name] = _interface(path, "ethernet")
    vlans = _vlans(files)
    for path in entries(files.sys / "class/net"):
        kind = _TYPES.get(_device_type(path) or "")
        if path.name in vlans:
            kind = "vlan"
        if _OURS.match(path.name):
            kind = "virtual"
        elif NAMED_BY_SOFTWARE.match(path.name):
            continue
        if kind is None or path.name in found:
            continue
        found[path.name] = _interface(path, kind)
        if path.name in vlans:
            found[path.name]["vlan_id"] = vlans[path.name]
    for name, interface in found.items():
        lower = [n for n in interface.get("uses", ()) if n in found]
        if lower:
            interface["uses"] = lower
        else:
            interface.pop("uses", None)
        if addresses.get(name):
            interface["addresses"] = addresses[name]
    return [found[name] for name in sorted(found)]


def _port_paths(files: HostFiles) -> list[Path]:
    paths = [p for p in entries(files.sys / "class/net") if _is_ethernet(p)]
    hardware = [p for p in paths if (p / "device").exists()]
    return [p for p in hardware or paths if _is_port(p)]


def _is_ethernet(path: Path) -> bool:
    return number(path / "type") == _ETHERNET


def _is_port(path: Path) -> bool:
    device = path / "device"
    if device.exists():
        # A virtual function is a port of the container or guest that has it.
        return not (device / "physfn").exists()
    if NAMED_BY_SOFTWARE.match(path.name) or _device_type(path) in _TYPES:
        return False
    return not any((path / name).exists() for name in _MADE_BY_SOFTWARE)


def _device_type(path: Path) -> str | None:
    for line in (text(path / "uevent") or "").splitlines():
        if line.startswith("DEVTYPE="):
            return line.removeprefix("DEVTYPE=")
    return None


def _port(path: Path, names: Names) -> Port:
    port: Port = {"pname": path.name}
    mac = text(path / "address")
    if mac:
        port["mac"] = mac
    mtu, speed = number(path / "mtu"), number(path / "speed")
    if mtu is not None:
        port["mtu"] = mtu
    # -1 and 65535 are drivers' words for "unknown".
    if speed is not None and 0 < speed < 2**32 - 1 and speed != 65535:
        port["speed"] = speed
    duplex = text(path / "duplex")
    if duplex in ("full", "half"):
        port["duplex"] = duplex
    dev_id = number(path / "dev_id", base=16)
    if dev_id is not None:
        port["dev_id"] = dev_id
    port["link"] = number(path / "carrier") == 1
    device = path / "device"
    bus = link_name(device / "subsystem")
    if bus:
        port["bus"] = bus
    if bus == "virtio":
        # It is the one function of the PCI device that it hangs on.
        device = device.resolve().parent
    address = device.resolve().name
    if PCI_ADDRESS.fullmatch(address):
        port["pciaddr"] = address
        port = cast(Port, {**port, **_on_pci(device, names)})
    driver = link_name(path / "device/driver")
    if driver:
        port["driver"] = driver
    node = number(device / "numa_node")
    if node is not None and node >= 0:
        port["numa_node"] = node
    return port


def _on_pci(device: Path, names: Names) -> Mapping[str, object]:
    ids = Ids(device)
    found: dict[str, object] = {
        "pclass": names.of(*ids.class_keys()) or ids.kind,
        "pvendor": names.of(ids.vendor) or ids.vendor,
        "pdevice": names.of(ids.device_key()) or ids.device,
    }
    if ids.sub_vendor.strip("0"):
        found["psvendor"] = names.of(ids.sub_vendor) or ids.sub_vendor
        found["psdevice"] = names.of(ids.sub_key()) or ids.sub_device
    return found | sriov(device)


def _interface(path: Path, kind: str) -> Interface:
    found: Interface = {"ifname": path.name, "iftype": kind}
    mac, mtu = text(path / "address"), number(path / "mtu")
    if mac:
        found["imac"] = mac
    if mtu is not None:
        found["imtu"] = mtu
    mode = (text(path / "bonding/mode") or "").partition(" ")[0]
    if mode:
        found["aemode"] = _MODES.get(mode, mode)
    lower = [p.name[6:] for p in entries(path) if p.name.startswith("lower_")]
    if lower:
        found["uses"] = lower
    return found


def _vlans(files: HostFiles) -> dict[str, int]:
    """Return the VLAN id of each VLAN interface (net/8021q/vlanproc.c)."""
    found = {}
    for line in (text(files.net / "vlan/config") or "").splitlines():
        words = [word.strip() for word in line.split("|")]
        if len(words) == 3 and words[1].isdecimal():
            found[words[0]] = int(words[1])
    return found
