# SPDX-License-Identifier: Apache-2.0
"""The addresses of the interfaces, as the kernel says over rtnetlink (rtnetlink(7)).

/proc shows those of IPv6 alone; asking needs no right.
"""

import socket
import struct
from typing import Final

RTM_GETADDR: Final = 22
RTM_NEWADDR: Final = 20
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLM_F_REQUEST: Final = 0x1
NLM_F_DUMP: Final = 0x300
IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2
IFA_FLAGS: Final = 8
IFA_F_TEMPORARY: Final = 0x01
IFA_F_DADFAILED: Final = 0x08
RT_SCOPE_UNIVERSE: Final = 0
_HEADER: Final = struct.Struct("=IHHII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")
_SECONDS: Final = 2.0


def addresses() -> dict[str, list[str]]:
    """Return the addresses by interface, each with its prefix's length: those that reach
    beyond the link, and none that IPv6 makes for a day to hide behind."""
    try:
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE
        ) as link:
            link.settimeout(_SECONDS)
            body = struct.pack("=Bxxx", socket.AF_UNSPEC)
            size = _HEADER.size + len(body)
            flags = NLM_F_REQUEST | NLM_F_DUMP
            link.send(_HEADER.pack(size, RTM_GETADDR, flags, 1, 0) + body)
            found = _read(link)
    except OSError:
        return {}
    return {name: sorted(some) for name, some in sorted(found.items())}


def _read(link: socket.socket) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    while True:
        data = link.recv(64 * 1024)
        while len(data) >= _HEADER.size:
            size, kind, *_ = _HEADER.unpack_from(data)
            if kind in (NLMSG_DONE, NLMSG_ERROR) or size < _HEADER.size:
                return found
            if kind == RTM_NEWADDR:
                _take(data[_HEADER.size : size], found)
            data = data[(size + 3) & ~3 :]


def _take(body: bytes, found: dict[str, list[str]]) -> None:
    if len(body) < _ADDRESS.size:
        return
    family, length, flags, scope, index = _ADDRESS.unpack_from(body)
    attributes = _attributes(body[_ADDRESS.size :])
    if IFA_FLAGS in attributes and len(attributes[IFA_FLAGS]) >= 4:
        flags = struct.unpack_from("=I", attributes[IFA_FLAGS])[0]
    raw = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
    is_passing = family == socket.AF_INET6 and flags & IFA_F_TEMPORARY
    if scope != RT_SCOPE_UNIVERSE or is_passing or flags & IFA_F_DADFAILED or not raw:
        return
    try:
        text = socket.inet_ntop(family, raw)
        name = socket.if_indextoname(index)
    except (OSError, ValueError):
        return
    found.setdefault(name, []).append(f"{text}/{length}")


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data)
        if size < _ATTRIBUTE.size:
            break
        found[kind] = data[_ATTRIBUTE.size : size]
        data = data[(size + 3) & ~3 :]
    return found
