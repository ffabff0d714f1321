# SPDX-License-Identifier: Apache-2.0
"""What every Links keeps: the fake one, and the kernel's in a network namespace.

The namespace is the test's own and has no way out: two veth pairs whose far ends are in
it too. Needs root.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from hummingbird.adapters.netlink.link import Links, LinkState
from tests.fakes.links import FakeLinks

ROOT = Path(__file__).parents[2]

MN, EMN, NOWHERE = "192.168.204.101", "10.20.0.11", "203.0.113.9"
"""Hosts on the first link, behind a router on it, and where no route leads."""

_ASK = """
import sys
from hummingbird.adapters.netlink.link import NetlinkLinks
links = NetlinkLinks()
found = links.towards(sys.argv[1])
if sys.argv[2:]:
    print(links.mtu_towards(sys.argv[1]))
    sys.exit()
print(f"{found.name} {found.up}" if found else "none", links.source_address(sys.argv[1]))
"""


class World(Protocol):
    """Two links: mn0 with 192.168.204.2/24 and a route to 10.20.0.0/24, and wan0."""

    def unplug(self) -> None:
        """Take the cable out of mn0."""

    def plug(self) -> None:
        """Put it back."""

    def set_down(self) -> None:
        """Switch mn0 off."""

    def set_mtu(self, mtu: int) -> None:
        """Let mn0 take packets of `mtu` bytes."""

    def mtu_towards(self, address: str) -> int | None:
        """Return the largest packet that goes there."""

    def towards(self, address: str) -> tuple[LinkState | None, str | None]:
        """Return the link towards an address and our own address there."""


class FakeWorld:
    def __init__(self) -> None:
        self.links = FakeLinks()
        links: Links = self.links
        self._asked = links
        self.links.add("mn0")
        self.links.add("wan0")
        for cidr in ("192.168.204.0/24", "10.20.0.0/24"):
            self.links.add_route(cidr, link="mn0", source="192.168.204.2")
        self.links.add_route("198.51.100.0/24", link="wan0", source="198.51.100.2")

    def unplug(self) -> None:
        self.links.set_up("mn0", False)

    def plug(self) -> None:
        self.links.set_up("mn0", True)

    def set_down(self) -> None:
        self.links.drop_routes("mn0")

    def set_mtu(self, mtu: int) -> None:
        self.links.set_mtu("mn0", mtu)

    def mtu_towards(self, address: str) -> int | None:
        return self._asked.mtu_towards(address)

    def towards(self, address: str) -> tuple[LinkState | None, str | None]:
        return self._asked.towards(address), self._asked.source_address(address)


class KernelWorld:
    def __init__(self) -> None:
        self.name = f"hb-test-{uuid4().hex[:8]}"
        _run("ip", "netns", "add", self.name)
        for link, far, address in (
            ("mn0", "far0", "192.168.204.2/24"),
            ("wan0", "far1", "198.51.100.2/24"),
        ):
            self._ip("link", "add", link, "type", "veth", "peer", "name", far)
            self._ip("addr", "add", address, "dev", link)
            self._ip("link", "set", link, "up")
            self._ip("link", "set", far, "up")
        self._ip("link", "set", "lo", "up")
        self._ip("route", "add", "10.20.0.0/24", "via", "192.168.204.1")

    def end(self) -> None:
        _run("ip", "netns", "del", self.name)

    def unplug(self) -> None:
        self._ip("link", "set", "far0", "down")

    def plug(self) -> None:
        self._ip("link", "set", "far0", "up")

    def set_down(self) -> None:
        self._ip("link", "set", "mn0", "down")

    def ignore_dead_links(self) -> None:
        """Let the kernel pass over routes whose link has no carrier, wide ones last."""
        self._ip("route", "add", "default", "via", "198.51.100.1")
        _run(
            *("ip", "netns", "exec", self.name, "sysctl", "-qw"),
            "net.ipv4.conf.all.ignore_routes_with_linkdown=1",
            "net.ipv4.conf.mn0.ignore_routes_with_linkdown=1",
        )

    def set_mtu(self, mtu: int) -> None:
        self._ip("link", "set", "mn0", "mtu", str(mtu))

    def limit(self, cidr: str, mtu: int) -> None:
        """Say on a route that only smaller packets go further on."""
        route = (cidr, "via", "192.168.204.1")
        self._ip("route", "replace", *route, "mtu", str(mtu))

    def mtu_towards(self, address: str) -> int | None:
        asked = _run(
            *("ip", "netns", "exec", self.name, sys.executable, "-c", _ASK),
            *(address, "mtu"),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).strip()
        return None if asked == "None" else int(asked)

    def towards(self, address: str) -> tuple[LinkState | None, str | None]:
        asked = _run(
            *("ip", "netns", "exec", self.name, sys.executable, "-c", _ASK, address),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).split()
        source = None if asked[-1] == "None" else asked[-1]
        if asked[0] == "none":
            return None, source
        return LinkState(name=asked[0], up=asked[1] == "True"), source

    def _ip(self, *arguments: str) -> None:
        _run("ip", "-n", self.name, *arguments)


def _run(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def kernel() -> Iterator[KernelWorld]:
    world = KernelWorld()
    yield world
    world.end()


@pytest.fixture(params=["fake", "kernel"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld()
    kernel: KernelWorld = request.getfixturevalue("kernel")
    return kernel


def test_the_link_that_leads_there_and_our_address_on_it(world: World) -> None:
    for address in (MN, EMN):
        found, source = world.towards(address)
        assert found == LinkState(name="mn0", up=True)
        assert source == "192.168.204.2"
    assert world.towards(NOWHERE) == (None, None)


def test_without_its_cable_a_link_is_down_until_it_is_back(world: World) -> None:
    world.unplug()
    for address in (MN, EMN):
        found, _ = world.towards(address)
        assert found == LinkState(name="mn0", up=False)
    world.plug()
    found, _ = world.towards(MN)
    assert found == LinkState(name="mn0", up=True)


def test_the_routes_of_a_link_that_is_switched_off_vanish(world: World) -> None:
    world.set_down()
    assert world.towards(MN)[0] is None


def test_a_wider_route_does_not_hide_a_dead_link(kernel: KernelWorld) -> None:
    kernel.ignore_dead_links()
    found, source = kernel.towards(NOWHERE)
    assert found == LinkState(name="wan0", up=True)
    assert source == "198.51.100.2"
    kernel.unplug()
    found, _ = kernel.towards(MN)
    assert found == LinkState(name="mn0", up=False)


def test_what_fits_is_what_the_link_takes(world: World) -> None:
    assert world.mtu_towards(EMN) == 1500
    world.set_mtu(1400)
    assert world.mtu_towards(EMN) == 1400
    assert world.mtu_towards(NOWHERE) is None


def test_what_a_route_says_counts_more_than_its_link(kernel: KernelWorld) -> None:
    kernel.limit("10.20.0.0/24", 1380)
    assert (kernel.mtu_towards(EMN), kernel.mtu_towards(MN)) == (1380, 1500)
