# SPDX-License-Identifier: Apache-2.0
"""What every Bridges keeps: the fake one, and the kernel's in a network namespace.

The real one's namespaces are the test's own: a controller, a router and a host, with
cables between them and no way out. Needs root.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from hummingbird.domain.vxlan import Bridge, Segment, Station, differences
from hummingbird.errors import VxlanUnavailable
from tests.fakes.bridges import FakeBridges

ROOT = Path(__file__).parents[2]
MAC, OTHER_MAC = "02:00:00:00:00:31", "02:00:00:00:00:32"
FIRST = Segment(
    vni=100,
    port=4789,
    mtu=1450,
    learning=False,
    remotes=frozenset({"10.20.0.12", "10.20.0.13"}),
    stations=frozenset({Station(mac=MAC, remote="10.20.0.12")}),
)
SECOND = Segment(
    vni=16777215,
    port=4789,
    mtu=1370,
    learning=True,
    remotes=frozenset({"10.20.0.14"}),
)
SIXTH = Segment(
    vni=6,
    port=4790,
    mtu=1430,
    learning=False,
    remotes=frozenset({"fd00:20::12"}),
    stations=frozenset({Station(mac=OTHER_MAC, remote="fd00:20::12")}),
)
BRIDGE = Bridge(
    name="hbbr0",
    source="192.168.204.2",
    networks=frozenset({"192.168.204.128/26"}),
    neighbours={"192.168.204.131": MAC},
    segments={100: FIRST, 16777215: SECOND, 6: SIXTH},
    answers=frozenset({"192.168.204.131", "192.168.204.141"}),
)


class Place(Protocol):
    """A controller with address 192.168.204.2 on mn0."""

    def look(self, name: str = "hbbr0") -> Bridge | None: ...

    def put(self, wanted: Bridge) -> None: ...

    def lose(self, vni: int) -> None:
        """Delete a device behind everybody's back."""

    def stop_answering(self, address: str) -> None:
        """Delete a proxy entry behind everybody's back."""

    def add_operators_bridge(self, name: str) -> None: ...


class FakePlace:
    def __init__(self) -> None:
        self._bridges = FakeBridges()
        self.lose = self._bridges.lose
        self.stop_answering = self._bridges.stop_answering
        self.add_operators_bridge = self._bridges.add_operators_bridge
        self.put = self._bridges.put

    def look(self, name: str = "hbbr0") -> Bridge | None:
        return self._bridges.look(name)


_SERVE = """
import pickle, sys, struct
from hummingbird.adapters.netlink.vxlan import NetlinkBridges
from hummingbird.errors import VxlanUnavailable
bridges, pipe = NetlinkBridges(), sys.stdout.buffer
while True:
    try:
        what, argument = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answer = getattr(bridges, what)(argument)
    except VxlanUnavailable as error:
        answer = error.facts
    pickle.dump(answer, pipe)
    pipe.flush()
"""


class KernelPlace:
    """A network namespace, and a process in it that drives the adapter."""

    def __init__(self) -> None:
        self.name = f"hb-vx-{uuid4().hex[:6]}"
        _run("ip", "netns", "add", self.name)
        self.ip("link", "add", "mn0", "type", "veth", "peer", "name", "far0")
        self.ip("address", "add", "192.168.204.2/24", "dev", "mn0")
        for link in ("lo", "mn0", "far0"):
            self.ip("link", "set", link, "up")
        self._driver = subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def end(self) -> None:
        self._driver.communicate()
        _run("ip", "netns", "del", self.name)

    def look(self, name: str = "hbbr0") -> Bridge | None:
        seen: Bridge | None = self._ask("look", name)
        return seen

    def put(self, wanted: Bridge) -> None:
        self._ask("put", wanted)

    def lose(self, vni: int) -> None:
        self.ip("link", "del", f"hbvx{vni}")

    def stop_answering(self, address: str) -> None:
        self.ip("neigh", "del", "proxy", address, "dev", "mn0")

    def add_operators_bridge(self, name: str) -> None:
        self.ip("link", "add", name, "type", "bridge")
        self.ip("link", "set", name, "up")

    def ip(self, *arguments: str) -> str:
        return _run("ip", "-n", self.name, *arguments)

    def index(self, link: str) -> int:
        (found,) = json.loads(self.ip("-j", "link", "show", link))
        return int(found["ifindex"])

    def _ask(self, what: str, argument: object) -> Any:
        stdin, stdout = self._driver.stdin, self._driver.stdout
        assert stdin is not None and stdout is not None
        pickle.dump((what, argument), stdin)
        stdin.flush()
        answer = pickle.load(stdout)  # noqa: S301 - our own process's
        if isinstance(answer, dict):
            raise VxlanUnavailable(**answer)
        return answer


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


@pytest.fixture
def kernel() -> Iterator[KernelPlace]:
    made = KernelPlace()
    yield made
    made.end()


@pytest.fixture(params=["fake", "kernel"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "fake":
        return FakePlace()
    made: Place = request.getfixturevalue("kernel")
    return made


def test_what_was_put_is_seen_and_nothing_differs(place: Place) -> None:
    assert place.look() is None
    place.put(BRIDGE)
    assert place.look() == BRIDGE
    assert differences(BRIDGE, place.look()) == ()


def test_what_is_no_longer_wanted_goes(place: Place) -> None:
    place.put(BRIDGE)
    less = replace(
        BRIDGE,
        networks=frozenset({"192.168.204.192/26"}),
        neighbours={"192.168.204.194": OTHER_MAC},
        answers=frozenset({"192.168.204.194"}),
        segments={
            100: replace(
                FIRST,
                mtu=1400,
                remotes=frozenset({"10.20.0.13"}),
                stations=frozenset({Station(mac=OTHER_MAC, remote="10.20.0.13")}),
            )
        },
    )
    place.put(less)
    assert place.look() == less


def test_a_station_that_moved_is_at_its_new_place_alone(place: Place) -> None:
    place.put(BRIDGE)
    moved = replace(FIRST, stations=frozenset({Station(mac=MAC, remote="10.20.0.13")}))
    place.put(replace(BRIDGE, segments={100: moved}))
    seen = place.look()
    assert seen is not None and seen.segments == {100: moved}


def test_what_was_deleted_behind_our_back_is_put_back(place: Place) -> None:
    place.put(BRIDGE)
    place.lose(100)
    assert differences(BRIDGE, place.look()) == ("hbvx100 made",)
    place.put(BRIDGE)
    assert place.look() == BRIDGE


def test_it_answers_again_for_a_host_whose_entry_somebody_deleted(
    place: Place,
) -> None:
    place.put(BRIDGE)
    place.stop_answering("192.168.204.131")
    seen = place.look()
    assert differences(BRIDGE, seen) == ("proxy entry of 192.168.204.131 put right",)
    place.put(BRIDGE)
    assert place.look() == BRIDGE


def test_it_answers_for_nobody_who_is_not_there_and_leaves_others_entries(
    kernel: KernelPlace,
) -> None:
    kernel.put(BRIDGE)
    for address in ("192.168.204.140", "192.168.204.9"):
        kernel.ip("neigh", "add", "proxy", address, "dev", "mn0")
    assert differences(BRIDGE, kernel.look()) == (
        "proxy entry of 192.168.204.140 put right",
    )
    kernel.put(BRIDGE)
    assert kernel.look() == BRIDGE
    left = kernel.ip("neigh", "show", "proxy")
    assert "192.168.204.9 " in left, "it is not of a network of ours"
    assert "192.168.204.131 " in left and "192.168.204.140" not in left


def test_with_no_segment_left_nothing_is_left(place: Place) -> None:
    place.put(BRIDGE)
    place.put(Bridge(name="hbbr0"))
    assert place.look() is None


def test_an_operators_bridge_gets_ports_and_stays(place: Place) -> None:
    place.add_operators_bridge("br-mn")
    wanted = Bridge(name="br-mn", is_ours=False, segments={100: FIRST})
    place.put(wanted)
    assert place.look("br-mn") == wanted
    place.put(Bridge(name="br-mn", is_ours=False))
    assert place.look("br-mn") == Bridge(name="br-mn", is_ours=False)


def test_an_operators_bridge_that_is_missing_is_an_error(place: Place) -> None:
    with pytest.raises(VxlanUnavailable, match="no bridge br-mn"):
        place.put(Bridge(name="br-mn", is_ours=False, segments={100: FIRST}))


def test_a_change_of_one_station_makes_no_device_anew(kernel: KernelPlace) -> None:
    kernel.put(BRIDGE)
    before = [kernel.index(name) for name in ("hbbr0", "hbvx100", "hbvx6")]
    more = replace(
        FIRST, stations=FIRST.stations | {Station(mac=OTHER_MAC, remote="10.20.0.13")}
    )
    kernel.put(replace(BRIDGE, segments={**BRIDGE.segments, 100: more}))
    assert [kernel.index(name) for name in ("hbbr0", "hbvx100", "hbvx6")] == before


def test_foreign_entries_are_removed(kernel: KernelPlace) -> None:
    kernel.put(BRIDGE)
    bridge = ("ip", "netns", "exec", kernel.name, "bridge", "fdb", "append")
    _run(*bridge, OTHER_MAC, "dev", "hbvx100", "dst", "203.0.113.7")
    kernel.ip("route", "add", "192.168.204.64/26", "dev", "hbbr0")
    assert differences(BRIDGE, kernel.look()) == (
        "192.168.204.64/26 no longer routed to hbbr0",
        f"hbvx100: {OTHER_MAC} at 203.0.113.7 removed",
    )
    kernel.put(BRIDGE)
    assert kernel.look() == BRIDGE


def test_a_host_behind_a_router_is_in_the_management_network(
    kernel: KernelPlace,
) -> None:
    """Its VXLAN ends at 192.168.204.2, an address of the subnet that it carries."""
    host = f"{kernel.name}-h"
    _run("ip", "netns", "add", host)
    try:
        _lay_cable(kernel, host)
        kernel.put(replace(BRIDGE, segments={100: FIRST}))
        for size in ("56", "1422"):
            _run(
                *("ip", "netns", "exec", host, "ping", "-c1", "-W5", "-Mdo"),
                *(f"-s{size}", "192.168.204.2"),
            )
        _run(
            *("ip", "netns", "exec", kernel.name, "ping", "-c1", "-W5"),
            "192.168.204.131",
        )
    finally:
        _run("ip", "netns", "del", host)


def test_what_the_kernel_learnt_of_a_path_is_no_route(kernel: KernelPlace) -> None:
    host = f"{kernel.name}-h"
    _run("ip", "netns", "add", host)
    try:
        _lay_cable(kernel, host)
        wanted = replace(BRIDGE, segments={100: FIRST})
        kernel.put(wanted)
        kernel.ip("link", "set", "wan0", "mtu", "1400")
        inside = ["ip", "netns", "exec", kernel.name]
        large = [*inside, "ping", "-c3", "-W1", "-Mdo", "-s1422", "192.168.204.131"]
        subprocess.run(large, capture_output=True, check=False, timeout=60)
        learnt = kernel.ip("route", "show", "cache")
        assert "192.168.204.131 dev hbbr0" in learnt, learnt
        assert differences(wanted, kernel.look()) == ()
    finally:
        _run("ip", "netns", "del", host)


def _lay_cable(kernel: KernelPlace, host: str) -> None:
    """Give the controller a cable to the host, and the host its end of the tunnel."""
    kernel.ip(
        *("link", "add", "wan0", "type", "veth", "peer", "name", "eth0", "netns", host)
    )
    kernel.ip("address", "add", "10.20.0.1/24", "dev", "wan0")
    kernel.ip("link", "set", "wan0", "up")
    inside = ("ip", "-n", host)
    _run(*inside, "address", "add", "10.20.0.12/24", "dev", "eth0")
    _run(*inside, "link", "set", "eth0", "up")
    _run(*inside, "route", "add", "default", "via", "10.20.0.1")
    _run(
        *(*inside, "link", "add", "vx0", "address", MAC, "type", "vxlan", "id", "100"),
        *("dstport", "4789", "remote", "192.168.204.2", "dev", "eth0", "nolearning"),
    )
    _run(*inside, "link", "set", "vx0", "mtu", "1450", "up")
    _run(*inside, "address", "add", "192.168.204.131/24", "dev", "vx0")
