# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end of a cable, by what switches say of themselves (LLDP, IEEE
802.1AB-2016). Listens only; sends nothing, so that a host's own lldpd is not disturbed.

It needs CAP_NET_RAW, which the chart gives where sysinvAgent.lldp says so; without it,
there is nothing to listen with and nothing is told (doc/decisions/0009).
"""

import socket
import struct
from collections.abc import Callable
from typing import Final

from hummingbird.wire.section import LldpAgent, LldpNeighbour

ETHER_TYPE: Final = 0x88CC
_GROUPS: Final = ("0180c200000e", "0180c2000003", "0180c2000000")
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_MULTICAST: Final = 0
_MOST_NEIGHBOURS: Final = 64
_MOST_TEXT: Final = 255
_CAPABILITIES: Final = (
    "other",
    "repeater",
    "bridge",
    "wlan",
    "router",
    "telephone",
    "docsis",
    "station",
)
_DOT1: Final = b"\x00\x80\xc2"
_DOT3: Final = b"\x00\x12\x0f"


class LldpListener:
    """Hears neighbours, and forgets those that are silent for longer than they said."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        """
        :raises OSError: it may not listen.
        """
        self._monotonic = monotonic
        self._heard: dict[tuple[str, str], tuple[float, LldpNeighbour]] = {}
        self._joined: set[str] = set()
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHER_TYPE)
        )
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Return what to wait for."""
        return self._socket.fileno()

    def read(self) -> bool:
        """Take in what was heard; return whether that is news."""
        try:
            data, address = self._socket.recvfrom(2048)
        except OSError:
            return False
        return self.hear(data, port=str(address[0]))

    def hear(self, data: bytes, *, port: str) -> bool:
        """Take in one announcement; return whether it says anything new."""
        if port not in self._joined:
            return False
        parsed = parse(data, port=port)
        if parsed is None:
            return False
        seconds, neighbour = parsed
        key = (port, neighbour["msap"])
        former = self._heard.get(key)
        if seconds == 0:
            return self._heard.pop(key, None) is not None
        if former is None and len(self._heard) >= _MOST_NEIGHBOURS:
            return False
        self._heard[key] = (self._monotonic() + seconds, neighbour)
        return former is None or former[1] != neighbour

    def agents(self, ports: list[str]) -> list[LldpAgent]:
        """Return the ports that are listened on, which are these from now on."""
        for name in ports:
            if name not in self._joined and self._join(name):
                self._joined.add(name)
        self._joined &= set(ports)
        return [
            {"port_name": name, "status": "rx=enabled,tx=disabled"}
            for name in sorted(self._joined)
        ]

    def neighbours(self) -> list[LldpNeighbour]:
        """Return who was heard, and not too long ago."""
        now = self._monotonic()
        self._heard = {
            key: (until, neighbour)
            for key, (until, neighbour) in self._heard.items()
            if until > now and key[0] in self._joined
        }
        return [self._heard[key][1] for key in sorted(self._heard)]

    def _join(self, name: str) -> bool:
        try:
            index = socket.if_nametoindex(name)
            for group in _GROUPS:
                address = bytes.fromhex(group)
                membership = struct.pack("=iHH8s", index, _MULTICAST, 6, address)
                self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
        except OSError:
            return False
        return True


def parse(data: bytes, *, port: str) -> tuple[int, LldpNeighbour] | None:
    """Return for how many seconds an announcement holds, and what it says; None if it is
    none. Its texts are what the neighbour likes: they are cut and made printable."""
    seconds: int | None = None
    found: LldpNeighbour = {"port_name": port}
    vlans: list[str] = []
    while len(data) >= 2:
        (head,) = struct.unpack_from("!H", data)
        kind, length = head >> 9, head & 0x1FF
        value, data = data[2 : 2 + length], data[2 + length :]
        if len(value) < length or kind == 0:
            break
        if kind == 1 and value:
            found["chassis_id"] = _identifier(value, mac_kind=4, address_kind=5)
        elif kind == 2 and value:
            found["port_identifier"] = _identifier(value, mac_kind=3, address_kind=4)
        elif kind == 3 and length >= 2:
            (seconds,) = struct.unpack_from("!H", value)
        elif kind == 4:
            found["port_description"] = _text(value)
        elif kind == 5:
            found["system_name"] = _text(value)
        elif kind == 6:
            found["system_description"] = _text(value)
        elif kind == 7 and length >= 4:
            found["system_capabilities"] = _capabilities(value)
        elif kind == 8 and length >= 2:
            found.setdefault("management_address", _management_address(value))
        elif kind == 127 and length >= 4:
            _organisation(value, found, vlans)
    if seconds is None or "chassis_id" not in found or "port_identifier" not in found:
        return None
    if vlans:
        found["dot1_vlan_names"] = ", ".join(vlans)[:_MOST_TEXT]
    found["msap"] = f"{found['chassis_id']},{found['port_identifier']}"
    return seconds, found


def _organisation(value: bytes, found: LldpNeighbour, vlans: list[str]) -> None:
    maker, kind, rest = value[:3], value[3], value[4:]
    if maker == _DOT1 and kind == 1 and len(rest) >= 2:
        found["dot1_port_vid"] = str(struct.unpack_from("!H", rest)[0])
    elif maker == _DOT1 and kind == 3 and len(rest) >= 3:
        vlans.append(_text(rest[3:]) or str(struct.unpack_from("!H", rest)[0]))
    elif kind in (3, 7) and len(rest) >= 5:
        # Link aggregation: 802.3 had it first, 802.1 has it now.
        capable, enabled = rest[0] & 1, rest[0] >> 1 & 1
        found["dot1_lag"] = (
            f"capable={'y' if capable else 'n'},enabled={'y' if enabled else 'n'}"
        )
    elif maker == _DOT3 and kind == 1 and len(rest) >= 5:
        able, on = rest[0] & 1, rest[0] >> 1 & 1
        found["dot3_mac_status"] = (
            f"auto-negotiation-capable={'y' if able else 'n'},"
            f"auto-negotiation-enabled={'y' if on else 'n'}"
        )
    elif maker == _DOT3 and kind == 4 and len(rest) >= 2:
        found["dot3_max_frame"] = str(struct.unpack_from("!H", rest)[0])


def _identifier(value: bytes, *, mac_kind: int, address_kind: int) -> str:
    kind, rest = value[0], value[1:]
    if kind == mac_kind and len(rest) == 6:
        return ":".join(f"{byte:02x}" for byte in rest)
    if kind == address_kind:
        return _address(rest)
    return _text(rest)


def _management_address(value: bytes) -> str:
    return _address(value[1 : 1 + value[0]])


def _address(value: bytes) -> str:
    """Return an address of a family of IANA's: 1 IPv4, 2 IPv6."""
    families = {(1, 5): socket.AF_INET, (2, 17): socket.AF_INET6}
    family = families.get((value[0], len(value))) if value else None
    return value.hex(":") if family is None else socket.inet_ntop(family, value[1:])


def _capabilities(value: bytes) -> str:
    (enabled,) = struct.unpack_from("!H", value, 2)
    names = [name for bit, name in enumerate(_CAPABILITIES) if enabled >> bit & 1]
    return ", ".join(names)


def _text(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text).strip()[:_MOST_TEXT]
