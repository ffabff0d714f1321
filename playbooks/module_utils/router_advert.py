# SPDX-License-Identifier: Apache-2.0
"""Interfaces whose IPv6 default route the kernel itself has from routers' advertisements.

A kernel that forwards hears no advertisements any more, unless accept_ra is 2
(Documentation/networking/ip-sysctl.rst): its route runs out, half an hour after Kubernetes
had it forward, and a host with IPv6 alone is cut off. Where systemd-networkd or NetworkManager minds
the advertisements accept_ra is 0, and nothing is to be done.
"""

_ADVERTISED = 0x00010000 | 0x00040000
"""RTF_DEFAULT and RTF_ADDRCONF (linux/ipv6_route.h)."""


def default_routes(table: str) -> "set[str]":
    """Return the interfaces of advertised default routes in /proc/net/ipv6_route."""
    found = set()
    for line in table.splitlines():
        target, length, _, _, _, _, _, _, flags, name = line.split()
        is_default = int(target, 16) == 0 and int(length, 16) == 0
        if is_default and int(flags, 16) & _ADVERTISED == _ADVERTISED:
            found.add(name)
    return found


def learning() -> "list[str]":
    """Return the interfaces that would lose their default route."""
    try:
        with open("/proc/net/ipv6_route", encoding="ascii") as file:
            names = default_routes(file.read())
    except OSError:
        return []
    return sorted(name for name in names if _accepts(name))


def settings(interfaces: "list[str]") -> "dict[str, str]":
    """Return the kernel settings that keep these interfaces' routes, by path."""
    return {f"net/ipv6/conf/{name}/accept_ra": "2" for name in interfaces}


def _accepts(name: str) -> bool:
    try:
        with open(
            f"/proc/sys/net/ipv6/conf/{name}/accept_ra", encoding="ascii"
        ) as file:
            return file.read().strip() == "1"
    except OSError:
        return False
