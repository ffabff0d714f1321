# SPDX-License-Identifier: Apache-2.0
"""What neighbours announce is understood, bounded, and forgotten in time."""

import random
import socket
import struct

import pytest

from agents.sysinv_agent.lldp import LldpListener, parse
from hummingbird.clock import ManualClock


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


CHASSIS = tlv(1, b"\x04" + bytes.fromhex("001b21aabbcc"))
PORT = tlv(2, b"\x05Gi1/0/7")
END = tlv(0, b"")
FRAME = (
    CHASSIS
    + PORT
    + tlv(3, struct.pack("!H", 120))
    + tlv(4, b"uplink of edge-0")
    + tlv(5, b"switch-1.example")
    + tlv(6, b"Switch OS\n17.3")
    + tlv(7, struct.pack("!HH", 0b10100, 0b00100))
    + tlv(8, b"\x05\x01" + socket.inet_aton("192.0.2.1") + b"\x02\0\0\0\1\0")
    + tlv(127, b"\x00\x80\xc2\x01" + struct.pack("!H", 7))
    + tlv(127, b"\x00\x80\xc2\x03" + struct.pack("!HB", 7, 4) + b"edge")
    + tlv(127, b"\x00\x12\x0f\x01\x03\0\0\0\0")
    + tlv(127, b"\x00\x12\x0f\x04" + struct.pack("!H", 1518))
    + END
)


def test_an_announcement_says_who_and_for_how_long() -> None:
    assert parse(FRAME + b"padding", port="eth0") == (
        120,
        {
            "port_name": "eth0",
            "chassis_id": "00:1b:21:aa:bb:cc",
            "port_identifier": "Gi1/0/7",
            "msap": "00:1b:21:aa:bb:cc,Gi1/0/7",
            "port_description": "uplink of edge-0",
            "system_name": "switch-1.example",
            "system_description": "Switch OS 17.3",
            "system_capabilities": "bridge",
            "management_address": "192.0.2.1",
            "dot1_port_vid": "7",
            "dot1_vlan_names": "edge",
            "dot3_mac_status": "auto-negotiation-capable=y,auto-negotiation-enabled=y",
            "dot3_max_frame": "1518",
        },
    )


def test_what_is_not_whole_is_nobody() -> None:
    assert parse(CHASSIS + PORT + END, port="eth0") is None
    assert parse(b"", port="eth0") is None
    rng = random.Random(1)  # noqa: S311
    for _ in range(2000):
        broken = bytearray(FRAME[: rng.randrange(len(FRAME))])
        for _ in range(rng.randrange(8)):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        parse(bytes(broken), port="eth0")


class Ear(LldpListener):
    """A listener without a socket, on which any port can be listened on."""

    def __init__(self, clock: ManualClock) -> None:
        self._monotonic = clock.monotonic
        self._heard = {}
        self._joined = set()

    def _join(self, name: str) -> bool:
        return name != "none"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ear(clock: ManualClock) -> Ear:
    ear = Ear(clock)
    assert ear.agents(["eth0", "none"]) == [
        {"port_name": "eth0", "status": "rx=enabled,tx=disabled"}
    ]
    return ear


def test_a_neighbour_is_news_once_and_forgotten_when_it_is_silent(
    clock: ManualClock, ear: Ear
) -> None:
    assert ear.hear(FRAME, port="eth0")
    clock.advance(100)
    assert not ear.hear(FRAME, port="eth0")
    assert ear.hear(FRAME.replace(b"uplink", b"UPLINK"), port="eth0")
    clock.advance(119)
    assert [one["port_description"] for one in ear.neighbours()] == ["UPLINK of edge-0"]
    clock.advance(2)
    assert ear.neighbours() == []


def test_a_neighbour_that_says_goodbye_is_gone(ear: Ear) -> None:
    goodbye = CHASSIS + PORT + tlv(3, b"\0\0") + END
    assert not ear.hear(goodbye, port="eth0")
    ear.hear(FRAME, port="eth0")
    assert ear.hear(goodbye, port="eth0")
    assert ear.neighbours() == []


def test_only_the_hosts_own_ports_count_and_not_too_many_neighbours(ear: Ear) -> None:
    assert not ear.hear(FRAME, port="cni0")
    for number in range(100):
        port = tlv(2, b"\x05" + str(number).encode())
        ear.hear(CHASSIS + port + tlv(3, b"\0\x78") + END, port="eth0")
    assert len(ear.neighbours()) == 64
    ear.agents(["eth1"])
    assert ear.neighbours() == []
