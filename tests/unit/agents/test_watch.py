# SPDX-License-Identifier: Apache-2.0
"""The kernel's news wake the agent, but for what containers do."""

import os
import socket
import struct
import time

import pytest

from agents.sysinv_agent.address import addresses
from agents.sysinv_agent.watch import (
    Watch,
    kernel_events,
    link_is_worth,
    uevent_is_worth,
)


def uevent(subsystem: str, path: str) -> bytes:
    lines = (f"add@{path}", "ACTION=add", f"DEVPATH={path}", f"SUBSYSTEM={subsystem}")
    return "\0".join(lines).encode() + b"\0"


@pytest.mark.parametrize(
    ("data", "worth"),
    [
        (uevent("block", "/devices/pci0/block/sdb"), True),
        (uevent("net", "/devices/pci0/net/eno1"), True),
        (uevent("pci", "/devices/pci0/0000:03:00.0"), True),
        (uevent("net", "/devices/virtual/net/veth12"), False),
        (uevent("block", "/devices/virtual/block/loop7"), False),
        (uevent("queues", "/devices/virtual/net/eno1/queues/rx-0"), False),
        (b"", False),
        (b"libudev\0\xfe\xed\xca\xfe", False),
    ],
)
def test_devices_of_the_host_are_worth_a_look(data: bytes, worth: bool) -> None:
    assert uevent_is_worth(data) is worth


def message(kind: int, name: str) -> bytes:
    text = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(text), 3) + text
    attribute += b"\0" * (-len(attribute) % 4)
    body = b"\0" * 16 + attribute
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_links_of_the_host_and_addresses_are_worth_a_look() -> None:
    assert link_is_worth(message(16, "eno1"))
    assert not link_is_worth(message(16, "veth12"))
    assert link_is_worth(message(17, "veth12") + message(16, "eno1"))
    for scope, worth in ((0, True), (253, False)):
        address = bytes((2, 24, 0, scope, 0, 0, 0, 0))
        message_of_it = struct.pack("=IHHII", 24, 20, 0, 0, 0) + address
        assert link_is_worth(message_of_it) is worth
    assert not link_is_worth(b"")
    assert not link_is_worth(struct.pack("=IHHII", 0, 16, 0, 0, 0))


class Pipe:
    """A source that a test speaks through."""

    def __init__(self, *, worth: bool) -> None:
        self.worth = worth
        self.far, self._near = socket.socketpair()

    def fileno(self) -> int:
        return self._near.fileno()

    def read(self) -> bool:
        self._near.recv(100)
        return self.worth

    def close(self) -> None:
        self.far.close()
        self._near.close()


def test_waiting_ends_with_news_and_reads_all_of_it() -> None:
    worth, other = Pipe(worth=True), Pipe(worth=False)
    watch = Watch([other, worth])
    assert not watch.wait(0.01)
    worth.far.send(b"x")
    other.far.send(b"x")
    begun = time.monotonic()
    assert watch.wait(60)
    assert not watch.wait(0)
    assert time.monotonic() - begun < 50
    for pipe in (worth, other):
        pipe.close()


def test_this_kernel_tells_and_shows_its_addresses() -> None:
    sources = kernel_events()
    assert sources
    for source in sources:
        assert os.fstat(source.fileno())
    # The loopback's reach no further than this machine.
    assert "lo" not in addresses()
