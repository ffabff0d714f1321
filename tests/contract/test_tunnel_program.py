# SPDX-License-Identifier: Apache-2.0
"""The program that keeps a host's tunnel up: over a real cable, with a real hub.

Hub and host stand in network namespaces of the test's own. The host's has also its own
processes and its own /var/lib, so that nothing of it stays on this machine.
"""

import base64
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from hummingbird.domain.wireguard import Peer
from tests.contract.test_wireguard import PORT, RealInterface, new_key, public_key_of

PROGRAM = Path(__file__).parents[2] / "playbooks/roles/tunnel/files/tunnel.sh"
ADDRESS, HUB_ADDRESS = "100.126.0.2", "100.126.0.1"

COMMAND_SECONDS = 60.0

pytestmark = pytest.mark.timeout(420)


class HostSide:
    """A host with the tunnel's program, its service played by one background job."""

    def __init__(self, folder: Path, *, hub_key: str) -> None:
        self.private = folder / "lib/hummingbird-tunnel"
        self.private.mkdir(parents=True)
        (self.private / "tunnel").write_bytes(PROGRAM.read_bytes())
        (self.private / "settings").write_text(
            f"ADDRESS={ADDRESS}\nHUB_KEY={hub_key}\nHUB_ENDPOINT=192.0.2.1:{PORT}\n"
            f"NETWORKS='100.126.0.0/16 192.0.3.0/24'\nKEEPALIVE=0\nMTU=1400\n"
            "TICK=1\nGLANCE=1\nPATIENCE=7\n"
        )
        (folder / "sockets").mkdir()
        self.namespace = f"hb-host-{os.getpid()}-{time.monotonic_ns() % 100000}"
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        self._shell = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *inside, "--mount-proc", "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.do(f"mount --bind {folder}/lib /var/lib")
        self.do(
            f"mkdir -p /var/run/wireguard && mount --bind {folder}/sockets /var/run/wireguard"
        )

    def do(self, command: str, *, check: bool = True) -> str:
        """Run a shell command there; return what it printed."""
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.write(f'{command}\nrc=$?; echo; echo "--- $rc"\n')
        self._shell.stdin.flush()
        said = []
        # A command that hangs ends with its shell, and the test with it.
        limit = Timer(COMMAND_SECONDS, self._shell.kill)
        limit.start()
        try:
            for line in self._shell.stdout:
                if line.startswith("--- "):
                    if check:
                        assert line == "--- 0\n", (command, said)
                    return "".join(said).strip()
                said.append(line)
        finally:
            limit.cancel()
        raise AssertionError(f"{command!r} did not end; it said {said}")

    def program(self, words: str, *, check: bool = True) -> str:
        return self.do(f"sh /var/lib/hummingbird-tunnel/tunnel {words}", check=check)

    def set(self, **values: object) -> None:
        """Change settings; they are read by what starts after that."""
        with (self.private / "settings").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())

    def wireguard_go(self) -> str:
        """Return the process ids of the wireguard-go that run there."""
        return self.do("pidof wireguard-go", check=False)

    def start(self) -> None:
        # A shell can't trap what was ignored when it began (POSIX), and under nohup this
        # is; systemd gives the program all signals as they should be.
        self.do(
            "env --default-signal=HUP sh /var/lib/hummingbird-tunnel/tunnel run "
            "</dev/null >>/var/lib/said 2>&1 &"
        )

    def said(self) -> str:
        """Return what the program said, and what runs there."""
        there = self.do("cat /var/lib/said; ps -eo pid,stat,wchan:20,args", check=False)
        return f"it did not come true; the host:\n{there}"

    def end(self) -> None:
        self._shell.kill()
        self._shell.wait()
        subprocess.run(["ip", "netns", "del", self.namespace], check=True)


class Site:
    """A hub, a host, and a cable between them."""

    def __init__(self, folder: Path) -> None:
        self._make(folder)
        self.hub.run(
            *("ip", "link", "add", "c0", "netns", self.hub.namespace, "type", "veth"),
            *("peer", "name", "c0", "netns", self.host.namespace),
        )
        for namespace, address in (
            (self.hub.namespace, "192.0.2.1/24"),
            (self.host.namespace, "192.0.2.2/24"),
        ):
            self.hub.run("ip", "-n", namespace, "address", "add", address, "dev", "c0")
            self.hub.run("ip", "-n", namespace, "link", "set", "c0", "up")

    def _make(self, folder: Path) -> None:
        self.hub = RealInterface()
        key = new_key()
        self.host = HostSide(folder, hub_key=public_key_of(key))
        self.hub.interface.configure(private_key=key, port=PORT)
        name = self.hub.interface.name
        self.hub.ip("address", "add", f"{HUB_ADDRESS}/16", "dev", name)
        self.hub.ip("link", "set", name, "up")

    def put(self, key: str, *addresses: str) -> None:
        self.hub.interface.change([Peer(public_key=key, addresses=addresses)])

    def heard(self, key: str) -> bool:
        peer = self.hub.interface.look().peers.get(key)
        return peer is not None and peer.handshake_at is not None

    def end(self) -> None:
        self.host.end()
        self.hub.end()

    def ping(self, *options: str) -> bool:
        """Whether the hub reaches the host inside the tunnel."""
        done = subprocess.run(
            [
                *("ip", "netns", "exec", self.hub.namespace),
                *("ping", "-c", "1", "-W", "2", *options, ADDRESS),
            ],
            capture_output=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        return done.returncode == 0


class NarrowSite(Site):
    """A host that has a router in between, and behind that a link for 1300 bytes."""

    def __init__(self, folder: Path) -> None:
        self._make(folder)
        self.router = f"{self.host.namespace}-r"
        self.hub.run("ip", "netns", "add", self.router)
        self.hub.run(
            *("ip", "netns", "exec", self.router),
            *("sysctl", "-qw", "net.ipv4.ip_forward=1"),
        )
        self._cable(self.hub.namespace, "192.0.2.1", "192.0.2.254", "c0")
        self._cable(self.host.namespace, "198.51.100.2", "198.51.100.254", "c1")
        self.host.set(FIND_MTU="yes", HUB_ADDRESS=HUB_ADDRESS, MTU=1420)

    def _cable(self, end: str, address: str, gateway: str, name: str) -> None:
        run, router = self.hub.run, self.router
        run(
            *("ip", "link", "add", name, "netns", end, "type", "veth"),
            *("peer", "name", name, "netns", router),
        )
        for place, own in ((end, address), (router, gateway)):
            run("ip", "-n", place, "address", "add", f"{own}/24", "dev", name)
            run("ip", "-n", place, "link", "set", name, "up")
        run("ip", "-n", end, "route", "add", "default", "via", gateway)

    def narrow(self) -> None:
        """Let the link behind the router carry 1300 bytes, both ways."""
        for place in (self.router, self.hub.namespace):
            self.hub.run("ip", "-n", place, "link", "set", "c0", "mtu", "1300")

    def mute(self) -> None:
        """Let the router drop all ICMP, its own too."""
        rules = "table ip t {\n" + "".join(
            f"chain {hook} {{ type filter hook {hook} priority 0; ip protocol icmp drop; }}\n"
            for hook in ("forward", "output")
        )
        subprocess.run(
            ["ip", "netns", "exec", self.router, "nft", "-f", "-"],
            input=rules + "}\n",
            text=True,
            check=True,
        )

    def mtu(self) -> int:
        """Return what the host's interface has, and is not just trying."""
        found = self.host.private / "mtu"
        return int(found.read_text().split()[0]) if found.exists() else 0

    def end(self) -> None:
        super().end()
        self.hub.run("ip", "netns", "del", self.router)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.end()


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[NarrowSite]:
    site = NarrowSite(tmp_path)
    yield site
    site.end()


def eventually(
    site: Site, true: Callable[[], object], *, seconds: float = 90.0
) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(site.host.said())
        time.sleep(0.05)


def test_a_hosts_tunnel_comes_up_changes_its_key_and_goes(site: Site) -> None:
    host = site.host
    first = host.program("public")
    assert base64.b64decode(first)
    assert host.program("public") == first, "a key that is there is kept"
    site.put(first, f"{ADDRESS}/32")
    host.start()
    eventually(site, lambda: site.heard(first))
    assert site.ping()
    assert (host.private / "key").stat().st_mode & 0o777 == 0o600
    routed = host.do("ip route get 192.0.3.9")
    assert f"dev hb-tunnel table 51820 src {ADDRESS}" in routed
    beside = host.do("ip route get 192.0.3.9 from 192.0.2.2 2>&1", check=False)
    assert "hb-tunnel" not in beside, "what came in beside it goes out beside it"

    # A key that the hub does not know is given up, and the tunnel stays as it was.
    second = host.program("offer")
    assert host.program("offer") == second != first
    host.program("switch")
    eventually(site, lambda: (host.private / "switch.failed").exists())
    assert site.ping()
    assert (host.private / "key.next").exists()

    # One that it knows is taken over; the next one is another.
    site.put(second)
    host.program("switch")
    eventually(site, lambda: site.heard(second))
    site.put(second, f"{ADDRESS}/32")
    eventually(site, lambda: not (host.private / "key.next").exists())
    assert host.program("public") == second
    assert site.ping()
    assert host.program("offer") not in (first, second)

    # Other settings reach it without a cut.
    handshake = site.hub.interface.look().peers[second].handshake_at
    host.set(MTU=1300)
    host.do("kill -HUP $(cat /var/lib/hummingbird-tunnel/pid)")
    eventually(site, lambda: "mtu 1300" in host.do("ip link show hb-tunnel"))
    assert site.ping()
    assert site.hub.interface.look().peers[second].handshake_at == handshake

    # Another address of its own: a wireguard-go by itself takes 15 s to notice, and is
    # told.
    host.do("ip address flush dev c0 scope global; ip address add 192.0.2.77/24 dev c0")
    eventually(site, lambda: "leave from 192.0.2.77" in host.said())
    eventually(
        site,
        lambda: (
            host.do("ping -c 1 -W 1 100.126.0.1 >/dev/null && echo yes", check=False)
            == "yes"
        ),
    )
    endpoint = site.hub.interface.look().peers[second].endpoint
    assert endpoint is not None and endpoint.startswith("192.0.2.77:")

    # A dead wireguard-go, or a link that somebody deletes, is made again.
    host.do("ip link del hb-tunnel")
    eventually(site, site.ping)

    # Retiring takes wg away before the tunnel, through which it comes in.
    link = host.do("ip -o link show hb-tunnel")
    host.do("mount --bind /dev/null $(command -v wg)")
    host.do("sleep 4")  # looks of the program, which has one each second
    assert host.do("ip -o link show hb-tunnel") == link
    assert site.ping()


def test_a_change_of_key_that_lost_its_power_is_finished(site: Site) -> None:
    """The hub has gone over to the new key, and the host died before it had noted so."""
    host = site.host
    host.program("public")
    second = host.program("offer")
    site.put(second, f"{ADDRESS}/32")
    host.do("touch /var/lib/hummingbird-tunnel/switch")
    host.start()
    eventually(site, lambda: site.heard(second))
    eventually(site, lambda: not (host.private / "switch").exists())
    assert host.program("public") == second
    assert site.ping()


def test_a_program_that_is_stopped_leaves_nothing(site: Site) -> None:
    host = site.host
    before = host.do("ip rule; ip -6 rule")
    site.put(host.program("public"), f"{ADDRESS}/32")
    host.start()
    eventually(site, site.ping)
    assert host.do("ip rule; ip -6 rule") != before
    host.do("kill -TERM $(cat /var/lib/hummingbird-tunnel/pid)")
    eventually(site, lambda: not (host.private / "pid").exists())
    eventually(site, lambda: host.wireguard_go() == "")
    assert "hb-tunnel" not in host.do("ip -o link show; ls /var/run/wireguard")
    assert host.do("ip rule; ip -6 rule") == before


def test_a_wireguard_go_that_hangs_is_started_again(site: Site) -> None:
    """Nobody can reach the box meanwhile: it has to help itself."""
    host = site.host
    host.set(LIMIT=5)
    first = host.program("public")
    site.put(first, f"{ADDRESS}/32")
    host.start()
    eventually(site, site.ping)
    hung = host.wireguard_go()
    host.do(f"kill -STOP {hung}")
    # A busy machine takes its time to stop all of its threads.
    eventually(site, lambda: host.do(f"cat /proc/{hung}/stat").split()[2] == "T")
    host.program("answered 1", check=False)  # who asks is not held up either
    eventually(site, lambda: host.wireguard_go() not in ("", hung), seconds=90)
    eventually(site, site.ping, seconds=90)
    # Its settings still reach it.
    host.set(MTU=1300)
    host.do("kill -HUP $(cat /var/lib/hummingbird-tunnel/pid)")
    eventually(site, lambda: "mtu 1300" in host.do("ip link show hb-tunnel"))


def test_a_tunnel_that_could_not_be_told_everything_is_told_later(site: Site) -> None:
    """A box that starts before its name servers answer."""
    host = site.host
    (host.private.parent / "hosts").write_text("")
    host.do("mount --bind /var/lib/hosts /etc/hosts")
    host.set(HUB_ENDPOINT=f"hub.example:{PORT}", LIMIT=4)
    site.put(host.program("public"), f"{ADDRESS}/32")
    host.start()
    eventually(site, lambda: "hb-tunnel" in host.do("ip -o link show"))
    assert not site.ping()
    (host.private.parent / "hosts").write_text("192.0.2.1 hub.example\n")
    eventually(site, site.ping, seconds=90)


def test_what_is_not_answered_for_long_is_made_anew(site: Site) -> None:
    host = site.host
    host.set(DESPAIR=4)
    key = host.program("public")
    host.start()
    eventually(site, lambda: "the interface is made anew" in host.said())
    site.put(key, f"{ADDRESS}/32")
    eventually(site, site.ping)
    assert len(host.wireguard_go().split()) == 1, "none is left behind"


FITS = 1300 - 60
"""IPv4 and UDP take 28 bytes, WireGuard 32."""


def test_a_way_on_which_large_packets_vanish_gets_a_smaller_mtu(
    narrow: NarrowSite,
) -> None:
    # Should a busy machine take longer than that, the next search finds it.
    narrow.host.set(SEARCH=10, ECHO=1)
    narrow.narrow()
    narrow.mute()
    narrow.put(narrow.host.program("public"), f"{ADDRESS}/32")
    narrow.host.start()
    eventually(narrow, lambda: FITS - 8 < narrow.mtu() <= FITS, seconds=120)
    eventually(
        narrow,
        lambda: f"mtu {narrow.mtu()}" in narrow.host.do("ip link show hb-tunnel"),
    )
    # What the host takes for fitting fits, both ways.
    size = str(narrow.mtu() - 28)
    eventually(narrow, lambda: narrow.ping("-s", size))


def test_what_routers_say_is_believed(narrow: NarrowSite) -> None:
    """Else what is too large would come through in pieces, and count as fitting."""
    narrow.host.set(SEARCH=10)
    narrow.narrow()
    narrow.put(narrow.host.program("public"), f"{ADDRESS}/32")
    narrow.host.start()
    eventually(narrow, lambda: narrow.mtu() == FITS, seconds=120)


def test_a_way_that_gets_narrower_and_wider_again_is_followed(
    narrow: NarrowSite,
) -> None:
    narrow.host.set(CHECK=2, SEARCH=10, ECHO=1)
    narrow.mute()
    narrow.put(narrow.host.program("public"), f"{ADDRESS}/32")
    narrow.host.start()
    eventually(narrow, lambda: narrow.mtu() == 1420, seconds=120)
    narrow.narrow()
    eventually(narrow, lambda: FITS - 8 < narrow.mtu() <= FITS, seconds=120)
    for place in (narrow.router, narrow.hub.namespace):
        narrow.hub.run("ip", "-n", place, "link", "set", "c0", "mtu", "1500")
    eventually(narrow, lambda: narrow.mtu() == 1420, seconds=120)


def test_a_configured_mtu_is_what_the_tunnel_has(narrow: NarrowSite) -> None:
    """Also where it is the wrong one; which shows that the way is what it is said to be."""
    narrow.host.set(FIND_MTU="", MTU=1380)
    narrow.narrow()
    narrow.mute()
    narrow.put(narrow.host.program("public"), f"{ADDRESS}/32")
    narrow.host.start()
    eventually(narrow, narrow.ping)
    assert "mtu 1380" in narrow.host.do("ip link show hb-tunnel")
    assert narrow.mtu() == 0, "nobody searched"
    assert not narrow.ping("-s", "1352"), "the answer vanishes"
