# SPDX-License-Identifier: Apache-2.0
"""Network ports, from /sys/class/net: on PCI, USB or part of the chip.

A port is an interface with hardware behind it (a `device` link in /sys). Where none has
one, as in a container that plays a host, an Ethernet interface that is not made by
software that names its kind (bridge, bond, VLAN, tunnel, veth, …) counts.
"""

import re
from pathlib import Path

from agents.sysinv_agent.files import HostFiles, entries, link_name, number, text
from hummingbird.wire.section import Port

_ETHERNET = 1
"""ARPHRD_ETHER, linux/if_arp.h."""
_PCI_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MADE_BY_SOFTWARE = ("bridge", "bonding", "tun_flags", "brport", "master")
# Names that container networks give to their ends and tunnels.
_NAMED_BY_SOFTWARE = re.compile(
    r"(lo$|veth|cali|cilium|lxc|cni|flannel|docker|br-|virbr|vxlan|wg|tun|tap|dummy|ifb"
    r"|kube|nodelocaldns|tunl|sit|gre|erspan|ip6|ip_|hb)"
)


def ports(files: HostFiles) -> list[Port]:
    """Return the ports, by name."""
    paths = [p for p in entries(files.sys / "class/net") if _is_ethernet(p)]
    hardware = [p for p in paths if (p / "device").exists()]
    return [_port(p) for p in hardware or paths if _is_port(p)]


def _is_ethernet(path: Path) -> bool:
    return number(path / "type") == _ETHERNET


def _is_port(path: Path) -> bool:
    if (path / "device").exists():
        return True
    if _NAMED_BY_SOFTWARE.match(path.name):
        return False
    return not any((path / name).exists() for name in _MADE_BY_SOFTWARE)


def _port(path: Path) -> Port:
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
    dev_id = number(path / "dev_id", base=16)
    if dev_id is not None:
        port["dev_id"] = dev_id
    carrier = number(path / "carrier")
    port["link"] = carrier == 1
    device = path / "device"
    address = link_name(device)
    if address and _PCI_ADDRESS.fullmatch(address):
        port["pciaddr"] = address
    _add_hardware(port, device)
    return port


def _add_hardware(port: Port, device: Path) -> None:
    vendor, model = text(device / "vendor"), text(device / "device")
    if vendor:
        port["pvendor"] = vendor
    if model:
        port["pdevice"] = model
    driver = link_name(device / "driver")
    if driver:
        port["driver"] = driver
    node = number(device / "numa_node")
    if node is not None and node >= 0:
        port["numa_node"] = node
