# SPDX-License-Identifier: Apache-2.0
"""Hosts of networks that are not simply there: one L2 subnet by VXLAN, with a gateway."""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product
from hummingbird_lab.witness import Witness

from tests.lab import broken_way
from tests.lab.asking import act, retire, succeed, wait
from tests.lab.broken_way import Break
from tests.lab.conftest import new_folder
from tests.lab.playbook_host import PlaybookHost, difference

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

GATEWAY, BEHIND, HIDDEN = "edge-3", "edge-4", "edge-2"
SIX = "edge-5"
"""It has IPv6 and nothing else; the cluster, and all other hosts, have IPv4."""
ADDRESS = "192.168.204.131"
HIDDEN_ADDRESS = "192.168.204.193"

REFUSED = "fd00:20::11 answers, and refuses port 22: no SSH server listens there."
FAULTS = [
    (broken_way.ssh_stopped, "ssh_refused", REFUSED, "Start sshd"),
    (
        broken_way.port_dropped(22),
        "ssh_silent",
        "fd00:20::11 answers a ping, but not on port 22: something drops it.",
        "Let TCP 22 through",
    ),
    (
        broken_way.frozen,
        "ssh_hung",
        "fd00:20::11 takes the connection on port 22 and says nothing: the host hangs.",
        "hummingbird host-reset edge-5",
    ),
    (
        broken_way.other_host_key,
        "host_key_changed",
        "edge-5 shows another SSH host key than is pinned.",
        "hummingbird host-update edge-5 --host-key KEY",
    ),
    (
        broken_way.black_hole,
        "mtu_black_hole",
        "Packets of more than 1400 bytes to edge-5 vanish, without a word back; 1500"
        " should fit.",
        "hummingbird emn-update emn6 --mtu 1400",
    ),
    (
        broken_way.narrow_way,
        "reached",
        "Everything on the way to edge-5 works.",
        "",
    ),
    (
        broken_way.port_dropped(6443),
        "kubernetes_unreachable",
        "From edge-5, Kubernetes at [fd00:204::2]:6443 can't be reached.",
        "Let the host through to it",
    ),
    (
        broken_way.port_dropped(2131),
        "gateway_unreachable",
        "From edge-5, the gateway at [fd00:204::2]:2131 can't be reached.",
        "Let TCP and UDP of the gateway's port through",
    ),
    (
        broken_way.unplugged,
        "host_silent",
        "fd00:20::11 does not answer at all.",
        "power and its cable",
    ),
    (
        broken_way.controller_unplugged,
        "link_down",
        "The controller's own interface mn0, which leads to fd00:20::11, is down.",
        "nothing is said about the host",
    ),
]
"""What is broken, and what a trace says of it."""


@pytest.fixture(scope="module")
def network_lab() -> Iterator[Lab]:
    """A lab of the hosts that stand in such networks."""
    hosts = (GATEWAY, BEHIND, HIDDEN, SIX)
    with Lab.up(new_folder(), hosts=hosts, images=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def product(network_lab: Lab) -> Iterator[Product]:
    """Everything in one process, heartbeats twice as often as usual."""
    changes = {
        "gateway": {"period_seconds": 5},
        "vxlan": {"period_seconds": 2},
        # What is broken here stays broken until it was looked at.
        "recovery": {"enabled": False},
    }
    folder = network_lab.folder / "product"
    with Product(network_lab, folder, changes=changes) as product:
        product.start()
        product.add_credential()
        yield product


def beats(product: Product, host: str) -> int:
    found: dict[str, Any] = product.api("GET", f"/v1/heartbeats/{host}")
    return int(found["beats"])


def is_heard(product: Product, host: str) -> None:
    before = beats(product, host)
    wait(
        lambda: beats(product, host) > before,
        what=f"a heartbeat of {host}",
        seconds=30,
    )


def is_in_service(product: Product, host: str) -> bool:
    found = product.api("GET", f"/v1/ihosts/{host}")
    return bool(found["availability"] == "available")


def test_a_site_is_in_the_management_network_through_its_gateway(
    network_lab: Lab, product: Product, tmp_path: Path
) -> None:
    lab = network_lab
    before = PlaybookHost(lab, GATEWAY).snapshot()
    cli = product.cli
    cli("emn-add", "depot", "--cidr", "192.168.204.128/26", "--attachment", "vxlan")
    cli("host-add", "-n", GATEWAY, "-i", ADDRESS, "--underlay", "10.40.0.11")
    cli("emn-update", "depot", "--gateway", GATEWAY, "--lan-interface", "eth1")
    product.add_host(BEHIND)
    act(product, GATEWAY, "unlock")
    succeed(product, GATEWAY, "unlock")
    act(product, BEHIND, "unlock")
    succeed(product, BEHIND, "unlock")
    for host in (GATEWAY, BEHIND):
        is_heard(product, host)

    trace = Witness(product).trace
    with broken_way.dropped(lab, "r3", hook="forward", rule="udp dport 4789"):
        found = trace(BEHIND)
    assert found["finding"] == "udp_blocked", found
    assert "10.40.0.11 answers" in found["sentence"]
    assert "Let UDP 4789 through" in found["repair"]
    with broken_way.unplugged(lab, "r3-depot"):
        found = trace(BEHIND)
    assert found["finding"] == "underlay_silent", found
    assert "10.40.0.11" in found["sentence"]
    assert f"host-update {GATEWAY} --underlay" in found["repair"]

    # The controller loses its end; within one period it is back.
    lab.exec("controller", ["ip", "link", "del", "hbvx1000"])
    is_heard(product, BEHIND)
    # Both ends of the way are switched off and on.
    lab.fault.power_off(GATEWAY)
    lab.fault.power_on(GATEWAY)
    product.kill()
    product.start()
    for host in (GATEWAY, BEHIND):
        is_heard(product, host)
        wait(
            lambda host=host: is_in_service(product, host),
            what=f"{host} is in service again",
            seconds=60,
        )

    for host in (BEHIND, GATEWAY):
        retire(product, host)
    # The VXLAN goes last of all, when the run has left it.
    left = ["?"]
    deadline = time.monotonic() + 30
    while left and time.monotonic() < deadline:
        left = difference(before, PlaybookHost(lab, GATEWAY).snapshot(), tmp_path)
    assert left == []
    links = lab.exec("controller", ["ip", "-br", "link"]).stdout
    assert "hbvx" not in links


def test_a_host_behind_nat_is_in_the_management_network_inside_its_tunnel(
    network_lab: Lab, product: Product
) -> None:
    kiosks = ("--cidr", "192.168.204.192/26", "--attachment", "wireguard+vxlan")
    product.cli("emn-add", "kiosks", *kiosks)
    product.cli("host-add", "-n", HIDDEN, "-i", HIDDEN_ADDRESS)
    product.bootstrap(HIDDEN)
    act(product, HIDDEN, "unlock")
    succeed(product, HIDDEN, "unlock")
    is_heard(product, HIDDEN)
    link = network_lab.ssh(HIDDEN, "ip -j address show hb-vxlan").stdout
    (shown,) = json.loads(link)
    assert shown["mtu"] == 1370
    assert HIDDEN_ADDRESS in [info["local"] for info in shown["addr_info"]]
    with broken_way.dropped(network_lab, "r2", hook="forward", rule="udp dport 51820"):
        found = Witness(product).trace(HIDDEN)
    assert found["finding"] == "handshake_old", found
    assert f"The tunnel of {HIDDEN} is down" in found["sentence"]
    network_lab.fault.reboot(HIDDEN)
    is_heard(product, HIDDEN)
    wait(
        lambda: is_in_service(product, HIDDEN),
        what="it is in service again",
        seconds=60,
    )


ADVERTISE = """
import socket, sys, time
plug = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
plug.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
plug.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
advertisement = bytes([134, 0, 0, 0, 64, 0]) + (1800).to_bytes(2, "big") + bytes(8)
while True:
    plug.sendto(advertisement, ("ff02::1", 0, 0, socket.if_nametoindex(sys.argv[1])))
    time.sleep(3)
"""
"""A router that advertises itself for half an hour (RFC 4861, section 4.2)."""


def advertised(lab: Lab) -> int:
    """Return for how many seconds edge-5 has a default route from its router; 0: it has none.

    Half an hour from the last advertisement that it took.
    """
    route = lab.ssh(SIX, "ip -6 route show default proto ra").stdout
    found = re.search(r"expires (\d+)sec", route)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def before(network_lab: Lab) -> dict[str, Any]:
    """What edge-5 is made of before anything is done to it: a host whose kernel takes the
    default route that its router advertises."""
    lab = network_lab
    lab.ssh(SIX, "sudo sysctl -qw net.ipv6.conf.eth0.accept_ra=1")
    lab.popen("r1", [sys.executable, "-c", ADVERTISE, "eth2"])
    wait(lambda: advertised(lab) > 0, what="an advertised route", seconds=60)
    return PlaybookHost(lab, SIX).snapshot()


def test_a_host_with_ipv6_alone_is_as_any_other(
    network_lab: Lab, product: Product, before: dict[str, Any]
) -> None:
    lab = network_lab
    assert "inet " not in lab.ssh(SIX, "ip address show eth0").stdout
    product.cli("emn-add", "emn6", "--cidr", "fd00:20::/64", "--attachment", "routed")
    product.add_host(SIX)
    act(product, SIX, "unlock")
    succeed(product, SIX, "unlock")
    is_heard(product, SIX)
    # It forwards now, and hears its router all the same.
    forwards = lab.ssh(SIX, "cat /proc/sys/net/ipv6/conf/all/forwarding").stdout
    assert forwards.strip() == "1"
    wait(lambda: advertised(lab) > 1790, what="an advertisement", seconds=60)
    node = json.loads(product.kubectl("get", "node", SIX, "-o", "json").stdout)
    addresses = {a["type"]: a["address"] for a in node["status"]["addresses"]}
    assert addresses["InternalIP"] == lab.hosts[SIX].address
    conditions = {c["type"]: c["status"] for c in node["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    told = {}

    def is_told() -> bool:
        found = product.api("GET", f"/v1/ihosts/{SIX}/iinterfaces")["iinterfaces"]
        told.update({one["ifname"]: one for one in found})
        return "eth0" in told

    wait(is_told, what="its facts", seconds=60)
    facts = [told["eth0"][name] for name in ("imac", "ipv4_mode", "ipv6_mode")]
    assert facts == [lab.hosts[SIX].mac, None, "static"]


@pytest.mark.parametrize(
    ("break_it", "finding", "sentence", "repair"),
    FAULTS,
    ids=[one[1] for one in FAULTS],
)
def test_a_trace_says_where_the_path_ends_and_what_mends_it(
    network_lab: Lab,
    product: Product,
    before: dict[str, Any],
    break_it: Break,
    finding: str,
    sentence: str,
    repair: str,
) -> None:
    """The host of the test before; what is broken is whole again afterwards."""
    with break_it(network_lab, SIX):
        found = Witness(product).trace(SIX)
    assert (found["finding"], found["sentence"]) == (finding, sentence)
    assert repair in found["repair"]


def test_a_host_with_ipv6_alone_is_retired_without_a_trace(
    network_lab: Lab, product: Product, before: dict[str, Any], tmp_path: Path
) -> None:
    wait(
        lambda: Witness(product).trace(SIX)["finding"] == "reached",
        what="the way is whole again",
        seconds=60,
    )
    retire(product, SIX)
    assert difference(before, PlaybookHost(network_lab, SIX).snapshot(), tmp_path) == []


def test_a_tunnel_is_carried_by_ipv6(
    network_lab: Lab, product: Product, before: dict[str, Any], tmp_path: Path
) -> None:
    """The script alone: what comes through such a tunnel is the same as through others."""
    lab, cli = network_lab, product.cli
    cli("emn-delete", "emn6", check=False)  # of the tests before, if they ran
    cli("emn-add", "six", "--cidr", "fd00:20::/64", "--attachment", "wireguard")
    product.add_host(SIX)
    product.bootstrap(SIX)

    def is_up() -> bool:
        found = product.api("GET", f"/v1/tunnels/{SIX}")
        return bool(found["state"] == "up" and found["endpoint"])

    def has_own_key() -> bool:
        """Whether that has taken the claim's place, and the run that did it is over."""
        found = product.api("GET", f"/v1/tunnels/{SIX}")
        run = product.request("GET", f"/v1/runs/{SIX}")["body"]
        is_over = (run.get("kind"), run.get("state")) == ("rotate", "succeeded")
        return bool(found["public_key"]) and found["claim_until"] is None and is_over

    wait(is_up, what="its tunnel is up", seconds=120)
    wait(has_own_key, what="a key of its own", seconds=300)
    tunnel = product.api("GET", f"/v1/tunnels/{SIX}")
    assert tunnel["endpoint"].startswith(f"[{lab.hosts[SIX].address}]:")
    assert tunnel["hub_endpoint"] == "[fd00:204::2]:51820"
    lab.exec("controller", ["ping", "-c", "3", "-W", "5", tunnel["address"]])
    undo = cli("host-bootstrap", SIX, "--undo").stdout
    lab.ssh(SIX, "sudo sh -s", input_text=undo)
    cli("host-delete", SIX, "--wait", timeout_s=600)
    assert difference(before, PlaybookHost(lab, SIX).snapshot(), tmp_path) == []
