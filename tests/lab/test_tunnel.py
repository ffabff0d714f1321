# SPDX-License-Identifier: Apache-2.0
"""Real hosts with tunnels: one behind a gateway that lets out UDP and nothing else, one
that gets its tunnel pushed. Whatever is cut, they are heard again by themselves."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hummingbird_lab.errors import CommandFailed
from hummingbird_lab.hearing import rotate_often
from hummingbird_lab.inventory import CONTROLLER
from hummingbird_lab.lab import Lab
from hummingbird_lab.outage import OUTAGES, End, back
from hummingbird_lab.product import Product
from hummingbird_lab.residue import difference, snapshot
from hummingbird_lab.witness import Witness

from tests.lab import broken_way

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

HIDDEN, PUSHED = "edge-2", "edge-1"
PERIOD_SECONDS = 5.0
BACK_SECONDS = PERIOD_SECONDS + 5
"""Within so many seconds of a repair a host is heard again; the bench measures that."""
SLACK_SECONDS = 5.0
"""For a machine that others use too. Seconds in which it did not get round to a look are not
counted anyway."""
ROTATIONS = 20

SNIFF = """
import socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
wire.bind((sys.argv[1], 0x0003))
wire.settimeout(1)
print("listening", flush=True)
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    try:
        packet, source = wire.recvfrom(65535)
    except TimeoutError:
        continue
    if source[1] == 0x0800:
        print(packet.hex(), flush=True)
"""
"""Each IPv4 packet on an interface, in hexadecimal, for some seconds. IPv6 is not routed
there, and ARP says nothing of ours."""


class Site:
    """The product with one host of each kind."""

    def __init__(self, lab: Lab, product: Product) -> None:
        self.lab, self.product = lab, product
        self.witness = Witness(product)
        self.before: dict[str, Any] = {}
        self.addresses: dict[str, str] = {}

    def tunnel(self, host: str = HIDDEN) -> dict[str, Any]:
        found: dict[str, Any] = self.product.api("GET", f"/v1/tunnels/{host}")
        return found

    def runs(self, kind: str) -> int:
        found = self.product.api("GET", f"/v1/runs?host={HIDDEN}")["runs"]
        return sum(run["kind"] == kind for run in found)

    def inside(self, command: str, host: str = HIDDEN) -> str:
        """Run a command on a host by the way that the product takes."""
        argv = [
            word.rpartition("@")[0] + f"@{self.addresses[host]}"
            if "@" in word
            else word
            for word in self.lab.ssh_command(host, command)
        ]
        return self.lab.exec(CONTROLLER, argv).stdout


@pytest.fixture(scope="module")
def site(lab: Lab) -> Iterator[Site]:
    """Both hosts in service. The hidden one is brought by the script, as by a person."""
    changes = {"gateway": {"period_seconds": PERIOD_SECONDS}}
    directory = lab.folder / "product-tunnel"
    # How the pushed host's packets come to the controller's outer address.
    wan = ["ip", "route", "replace", "198.51.100.0/24", "via", "192.168.204.2"]
    lab.exec("r1", wan)
    with Product(lab, directory, changes=changes) as product:
        site = Site(lab, product)
        product.start()
        product.add_credential()
        product.add_hidden_network()
        cidr = ("--cidr", "10.20.0.0/24", "--attachment", "wireguard")
        product.cli("emn-add", "emn", *cidr)
        for host in (HIDDEN, PUSHED):
            site.before[host] = snapshot(lab, host)
            product.add_host(host)
        product.bootstrap(HIDDEN)
        product.cli("host-unlock", HIDDEN, PUSHED, "--wait", timeout_s=1200)
        for host in (HIDDEN, PUSHED):
            site.addresses[host] = site.tunnel(host)["address"]
        yield site


def test_a_host_without_wireguard_says_what_it_needs(lab: Lab) -> None:
    """Asked of a host that nothing was done to."""
    with Product(lab, lab.folder / "product-script") as product:
        product.start()
        product.add_credential()
        product.add_hidden_network()
        product.add_host(HIDDEN)
        script = product.cli("host-bootstrap", HIDDEN).stdout
    before = snapshot(lab, HIDDEN)
    with pytest.raises(CommandFailed, match="wireguard-tools wireguard-go"):
        lab.ssh(HIDDEN, "sudo sh -s", input_text=script)
    assert difference(before, snapshot(lab, HIDDEN)) == []


def test_both_are_nodes_by_their_addresses_inside(site: Site) -> None:
    for host in (HIDDEN, PUSHED):
        tunnel = site.tunnel(host)
        assert tunnel["state"] == "up"
        assert tunnel["public_key"] and tunnel["claim_until"] is None
        node = json.loads(
            site.product.kubectl("get", "node", host, "-o", "json").stdout
        )
        addresses = {a["type"]: a["address"] for a in node["status"]["addresses"]}
        assert addresses["InternalIP"] == tunnel["address"]
        known = (site.witness.host(host) or {})["availability"]
        assert known == "available"
    assert site.tunnel(HIDDEN)["endpoint"].startswith("198.51.100.20:")
    assert site.tunnel(HIDDEN)["keepalive"] == 25
    assert site.tunnel(PUSHED)["keepalive"] == 0
    # The API server reaches the kubelet too, through the hub.
    pods = site.product.kubectl(
        *("get", "pods", "-n", "hummingbird", "-o", "name"),
        *("--field-selector", f"spec.nodeName={HIDDEN}"),
    ).stdout.split()
    said = site.product.kubectl("logs", "-n", "hummingbird", pods[0]).stdout
    assert said.strip()


def test_a_trace_tells_a_tunnel_that_is_blocked_from_a_host_that_is_away(
    site: Site,
) -> None:
    with broken_way.dropped(site.lab, "r1", hook="forward", rule="udp dport 51820"):
        found = site.witness.trace(PUSHED)
    assert found["finding"] == "tunnel_udp_blocked", found
    assert found["sentence"].startswith("10.20.0.11 answers, but nothing comes")
    assert "to 198.51.100.2:51820 through" in found["repair"]
    with broken_way.unplugged(site.lab, PUSHED):
        found = site.witness.trace(PUSHED)
    assert found["finding"] == "handshake_old", found
    site.witness.wait(
        "the way is whole again",
        lambda: site.witness.trace(PUSHED)["finding"] == "reached",
        timeout_s=120,
    )


def test_nothing_crosses_the_wan_in_clear(site: Site) -> None:
    seen = site.lab.popen(
        CONTROLLER, [sys.executable, "-c", SNIFF, "wan0", "10"], stdout=subprocess.PIPE
    )
    assert seen.stdout is not None
    assert seen.stdout.readline() == "listening\n"
    known = site.inside(
        "cat /etc/hostname; sudo apt-get update -qq; cat /etc/os-release"
    )
    assert known.startswith("edge-2") and "Debian" in known
    packets = [bytes.fromhex(line) for line in seen.stdout]
    assert len(packets) > 10, "what crosses was seen"
    for packet in packets:
        assert packet[9] == 17, "UDP and nothing else"
        assert 51820 in struct.unpack("!2H", packet[20:24])
        # WireGuard's four kinds of messages; all but their headers is encrypted.
        assert packet[28:32] in {bytes([kind, 0, 0, 0]) for kind in (1, 2, 3, 4)}
        assert b"SSH-2" not in packet and b"Debian" not in packet


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_it_is_heard_again_by_itself(
    site: Site, outage: Callable[[Product], End]
) -> None:
    unlocks, recoveries = site.runs("unlock"), site.runs("recover")
    found = back(site.product, outage, timeout_s=120)
    assert found.counted <= BACK_SECONDS + SLACK_SECONDS, found
    site.witness.wait("no alarm", lambda: not site.witness.alarms(HIDDEN), timeout_s=60)
    assert (site.runs("unlock"), site.runs("recover")) == (
        unlocks,
        recoveries,
    )


def test_twenty_changes_of_its_key_lose_no_heartbeat(site: Site) -> None:
    """With a lossy link; each period has to have its heartbeat all the same."""
    for host in (HIDDEN, PUSHED):
        site.lab.fault.loss(host, 5)
    try:
        found = rotate_often(
            site.product,
            HIDDEN,
            beside=PUSHED,
            times=ROTATIONS,
            period_seconds=PERIOD_SECONDS,
        )
    finally:
        for host in (HIDDEN, PUSHED):
            site.lab.fault.clear(host)
    assert len(found.public_keys) == ROTATIONS + 1
    # A lost heartbeat is a period without one: two periods from one to the next, and half a
    # one for jitter. By what the other host's come late the loss and this machine make them
    # late, and not the changes.
    late = max(found.gaps_beside) - PERIOD_SECONDS
    assert max(found.gaps) < 2.5 * PERIOD_SECONDS + max(0.0, late), found
    assert not site.witness.alarms(HIDDEN)


def test_a_revoked_host_is_cut_off_and_comes_again(site: Site) -> None:
    site.product.cli("tunnel-revoke", PUSHED)
    peers = ["wg", "show", "hummingbird0", "peers"]
    site.witness.wait(
        "its peer is gone",
        lambda: len(site.lab.exec(CONTROLLER, peers).stdout.split()) == 1,
        timeout_s=30,
    )
    stranger = subprocess.run(
        ["wg", "pubkey"],
        input=subprocess.run(["wg", "genkey"], capture_output=True, check=True).stdout,
        capture_output=True,
        check=True,
    ).stdout.decode()
    site.lab.exec(CONTROLLER, ["wg", "set", "hummingbird0", "peer", stranger.strip()])
    site.witness.wait(
        "a stranger is removed",
        lambda: len(site.lab.exec(CONTROLLER, peers).stdout.split()) == 1,
        timeout_s=30,
    )


def test_both_are_retired_without_trace(site: Site) -> None:
    site.product.cli("host-lock", HIDDEN, PUSHED, "--force", "--wait")
    site.product.cli("host-delete", HIDDEN, PUSHED, "--wait", timeout_s=600)
    assert site.product.api("GET", "/v1/tunnels")["tunnels"] == []
    for host in (HIDDEN, PUSHED):
        site.witness.wait(
            f"{host} is what it was",
            lambda host=host: (
                difference(site.before[host], snapshot(site.lab, host)) == []
            ),
            timeout_s=60,
        )
