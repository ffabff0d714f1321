# SPDX-License-Identifier: Apache-2.0
"""The host's program of a VXLAN, in network namespaces: a router with the controller's end,
the host, and a machine on the host's LAN. Needs root."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

PROGRAM = Path(__file__).parents[2] / "playbooks/roles/vxlan/files/vxlan.sh"
MAC = "02:00:00:00:00:31"
CONTROLLER = "192.168.204.2"
SETTINGS = f"""
VNI=100
PORT=4789
MTU=1450
MAC={MAC}
ADDRESS=192.168.204.131/24
LOCAL=10.40.0.11
REMOTES='{CONTROLLER}'
LAN=''
"""

_RUN = """
mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/hummingbird-vxlan &&
cat >/var/lib/hummingbird-vxlan/settings && exec sh "$0" run
"""


class Site:
    """A router that is the controller too, at 192.168.204.2 and 10.40.0.1, and a host at
    10.40.0.11 with a second, unused port whose other end is a machine's."""

    def __init__(self) -> None:
        unique = uuid4().hex[:6]
        self.router, self.host, self.machine = (
            f"hb-vx{letter}-{unique}" for letter in "rhm"
        )
        for place in (self.router, self.host, self.machine):
            _run("ip", "netns", "add", place)
        self._cable(self.router, "lan0", self.host, "eth0")
        self._cable(self.host, "eth1", self.machine, "eth0")
        # The strictest of kernels: what comes in must be from where answers go.
        for name in ("all", "eth0"):
            self.inside(self.host, "sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=1")
        self.ip(self.router, "address", "add", "10.40.0.1/24", "dev", "lan0")
        self.ip(self.router, "address", "add", f"{CONTROLLER}/32", "dev", "lo")
        self.ip(self.host, "address", "add", "10.40.0.11/24", "dev", "eth0")
        self.ip(self.host, "route", "add", "default", "via", "10.40.0.1")
        self._controllers_end()
        self.before = self.look()
        self.programs: list[subprocess.Popen[bytes]] = []

    def _cable(self, one: str, its: str, other: str, theirs: str) -> None:
        self.ip(
            one,
            *("link", "add", its, "type", "veth"),
            *("peer", "name", theirs, "netns", other),
        )
        self.ip(one, "link", "set", its, "up")
        self.ip(other, "link", "set", theirs, "up")

    def _controllers_end(self) -> None:
        self.ip(
            self.router,
            *("link", "add", "vx0", "type", "vxlan", "id", "100", "dstport", "4789"),
            *("remote", "10.40.0.11"),
        )
        self.ip(self.router, "link", "set", "vx0", "mtu", "1450", "up")
        route = ("route", "add", "192.168.204.128/26", "dev", "vx0", "src", CONTROLLER)
        self.ip(self.router, *route)

    def ip(self, place: str, *arguments: str) -> str:
        return _run("ip", "-n", place, *arguments)

    def inside(self, place: str, *argv: str) -> str:
        return _run("ip", "netns", "exec", place, *argv)

    def pings(self, place: str, address: str, *options: str) -> bool:
        argv = ["ip", "netns", "exec", place, "ping", "-c1", "-W2", "-q", *options]
        done = subprocess.run(
            [*argv, address], capture_output=True, check=False, timeout=60
        )
        return done.returncode == 0

    def is_up(self) -> bool:
        """Whether the controller answers the host through the VXLAN."""
        way = self.ip(self.host, "route", "get", CONTROLLER)
        return " dev hb-" in way and self.pings(self.host, CONTROLLER)

    def start(self, settings: str) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(
            [
                *("ip", "netns", "exec", self.host, "unshare", "--mount"),
                *("sh", "-c", _RUN, str(PROGRAM)),
            ],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert program.stdin is not None
        program.stdin.write(settings.encode())
        program.stdin.close()
        self.programs.append(program)
        return program

    def drop_large(self, size: int) -> None:
        """Let packets of more than `size` bytes vanish between the two, both ways."""
        rules = "table inet t {\n" + "".join(
            f"chain {hook} {{ type filter hook {hook} priority 0;"
            f" meta length > {size} drop; }}\n"
            for hook in ("input", "output")
        )
        argv = ["ip", "netns", "exec", self.router, "nft", "-f", "-"]
        subprocess.run(argv, input=rules + "}\n", text=True, check=True)

    def mtu(self) -> int:
        """Return what was found to fit; 0: nothing yet."""
        folder = f"/proc/{self.programs[-1].pid}/root/var/lib/hummingbird-vxlan"
        try:
            return int(Path(folder, "mtu").read_text().split()[0])
        except FileNotFoundError:
            return 0

    def down(self, program: subprocess.Popen[bytes]) -> None:
        """Take it down as the unit does when it is stopped."""
        folder = f"/proc/{program.pid}/root/var/lib/hummingbird-vxlan"
        settings = Path(folder, "settings").read_text()
        program.kill()
        program.wait()
        script = _RUN.replace("run", "down")
        subprocess.run(
            [
                *("ip", "netns", "exec", self.host, "unshare", "--mount"),
                *("sh", "-c", script, str(PROGRAM)),
            ],
            input=settings.encode(),
            check=True,
        )

    def look(self) -> list[str]:
        """Return what VXLAN could have left in the host's network."""
        shown = [
            self.ip(self.host, "-br", "link"),
            self.ip(self.host, "-br", "-4", "address"),
            self.ip(self.host, "rule"),
            self.ip(self.host, "-4", "route", "show", "table", "all"),
        ]
        return ["\n".join(sorted(one.splitlines())) for one in shown]

    def end(self) -> None:
        for program in self.programs:
            program.kill()
            program.wait()
        for place in (self.router, self.host, self.machine):
            _run("ip", "netns", "del", place)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.end()


def test_a_host_is_in_the_management_network_and_out_again(site: Site) -> None:
    program = site.start(SETTINGS)
    until(site.is_up, what="it did not come up")
    assert site.pings(site.router, "192.168.204.131")
    assert site.pings(site.router, "192.168.204.131", "-Mdo", "-s1422")
    assert site.pings(site.host, CONTROLLER, "-Mdo", "-s1422")
    # The underlay goes on for whoever comes by it, also from an address of the subnet.
    assert site.pings(site.router, "10.40.0.11", "-I", CONTROLLER)

    site.ip(site.host, "link", "del", "hb-vxlan")
    until(site.is_up, what="it did not come back")
    site.ip(site.host, "route", "del", "default")
    site.ip(site.host, "route", "add", "default", "via", "10.40.0.1", "metric", "5")
    until(
        lambda: "metric 5" in site.ip(site.host, "route", "show", "table", "4789"),
        what="the underlay's new route was not followed",
    )
    assert site.pings(site.host, CONTROLLER)

    site.down(program)
    site.ip(site.host, "route", "del", "default")
    site.ip(site.host, "route", "add", "default", "via", "10.40.0.1")
    assert site.look() == site.before


def test_a_smaller_link_below_makes_it_smaller(site: Site) -> None:
    site.ip(site.host, "link", "set", "eth0", "mtu", "1420")
    site.start(SETTINGS)
    until(site.is_up, what="it did not come up")
    assert "mtu 1370" in site.ip(site.host, "link", "show", "hb-vxlan")
    assert site.pings(site.host, CONTROLLER, "-Mdo", "-s1342")


FINDS = f"{SETTINGS}\nPEER={CONTROLLER}\nFIND_MTU=yes\n"


def test_a_way_on_which_large_packets_vanish_gets_a_smaller_mtu(site: Site) -> None:
    site.drop_large(1300)
    # Should a busy machine take longer than that, the next search finds it.
    site.start(f"{FINDS}ECHO=1\nSEARCH=10\nTICK=2\n")
    fits = 1300 - 50
    until(lambda: fits - 8 < site.mtu() <= fits, what="it was not found")
    until(
        lambda: f"mtu {site.mtu()} " in site.ip(site.host, "link", "show", "hb-vxlan"),
        what="it is not what was found",
    )
    size = f"-s{site.mtu() - 28}"
    until(
        lambda: (
            site.pings(site.host, CONTROLLER, "-Mdo", size)
            and site.pings(site.router, "192.168.204.131", size)
        ),
        what="what was found does not fit",
    )


def test_where_everything_fits_the_whole_link_is_used(site: Site) -> None:
    site.start(FINDS)
    until(lambda: site.mtu() == 1450, what="nothing was found")
    until(
        lambda: site.pings(site.host, CONTROLLER, "-Mdo", "-s1422"),
        what="it is not what was found",
    )


def test_a_gateway_carries_machines_that_have_nothing_of_ours(site: Site) -> None:
    site.ip(site.machine, "address", "add", "192.168.204.141/24", "dev", "eth0")
    program = site.start(SETTINGS.replace("LAN=''", "LAN=eth1"))
    until(lambda: site.pings(site.machine, CONTROLLER), what="it did not come up")
    assert site.pings(site.router, "192.168.204.141")
    assert site.pings(site.host, CONTROLLER)
    assert site.pings(site.machine, "192.168.204.131")
    # Ethernet's own size: cut below, or whoever sent it is told what fits.
    assert site.pings(site.machine, CONTROLLER, "-Mdont", "-s1472")
    until(
        lambda: site.pings(site.machine, CONTROLLER, "-s1472"),
        what="a packet of 1500 bytes vanishes",
    )
    site.down(program)
    assert site.look() == site.before


def test_a_lan_interface_that_has_an_address_is_left_alone(site: Site) -> None:
    site.ip(site.host, "address", "add", "10.50.0.1/24", "dev", "eth1")
    program = site.start(SETTINGS.replace("LAN=''", "LAN=eth1"))
    assert program.stderr is not None
    assert b"eth1 has addresses" in program.stderr.readline()
    assert "master" not in site.ip(site.host, "link", "show", "eth1")


def test_an_end_that_is_no_longer_said_is_forgotten(site: Site) -> None:
    two = SETTINGS.replace(f"'{CONTROLLER}'", f"'{CONTROLLER} 10.40.0.1'")
    site.start(two)
    until(site.is_up, what="it did not come up")
    table = ("bridge", "fdb", "show", "dev", "hb-vxlan")
    assert site.inside(site.host, *table).count("00:00:00:00:00:00") == 2
    site.programs[0].kill()
    site.start(SETTINGS)
    until(
        lambda: site.inside(site.host, *table).count("00:00:00:00:00:00") == 1,
        what="the former end is still there",
    )
    assert site.pings(site.host, CONTROLLER)
