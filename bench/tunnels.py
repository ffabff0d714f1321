# SPDX-License-Identifier: Apache-2.0
"""What tunnels cost: throughput, keys, outages, and a hub of ten thousand hosts.

One lab with a host for each attachment, one product with its defaults but for a period of
5 s. Prints one JSON line last:

throughput_ratio   host to controller, by attachment: TCP through it, to TCP over the bare
                   link in the same run; the link is a virtual cable, as fast as the machine
throughput_ratio_wan  the same, the host's port held to 100 Mbit/s, as a WAN is (tc-tbf)
bytes_per_second   what both are made of
add_peer_ms        one peer more at the hub, by number of peers: the middle of 20
look_10000_s       the reconciler's look at 10,000 peers when nothing is to be done; its
                   processor time is look_10000_cpu_s, first_look_10000_cpu_s that of one
                   which finds all of them changed
restore_10000_s    from a controller without an interface to all 10,000 peers being there
rotation_s         one change of a key, from the request to the former key's end, the middle
rotations          how often the host's key was changed
rotation_lost      heartbeat periods without a heartbeat meanwhile
back_s             seconds from the end of an outage to the next heartbeat, by outage: the
                   worst of some (see lab/hummingbird_lab/outage.py)
load               the machine's load average, one minute, at the start and the end
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hummingbird_lab.hearing import rotate_often
from hummingbird_lab.inventory import (
    CONTROLLER,
    CONTROLLER_ADDRESS,
    CONTROLLER_WAN_ADDRESS,
)
from hummingbird_lab.lab import Lab
from hummingbird_lab.outage import OUTAGES, back
from hummingbird_lab.product import Product

FOLDER = Path("/var/tmp/hummingbird-bench")  # noqa: S108 -- on a disk, for the overlays
TOP = Path(__file__).resolve().parents[1]
DIRECT, BOTH, HIDDEN, VXLAN = "edge-0", "edge-1", "edge-2", "edge-3"
"""On the management network; routed at first, then `wireguard+vxlan`; behind NAT; `vxlan`."""
INSIDE = "100.126.0.1"
"""The hub, in its default overlay."""
PORT = 5999
PERIOD_SECONDS = 5.0
ROTATIONS = 20
TRIES = 3
SECONDS = 5.0
WAN = "100mbit"

_SINK = """
import socket, sys, time
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    print("listening", flush=True)
    line, _ = server.accept()
    began = last = time.monotonic()
    total = 0
    while chunk := line.recv(1 << 20):
        total += len(chunk)
        last = time.monotonic()
    print(total / (last - began), flush=True)
"""
_SOURCE = """
import socket, sys, time
line = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
until, block = time.monotonic() + float(sys.argv[3]), bytes(1 << 16)
while time.monotonic() < until:
    line.sendall(block)
line.close()
"""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Bench:
    """One lab's tunnels, measured."""

    def __init__(self, lab: Lab, product: Product, *, tries: int) -> None:
        self.lab = lab
        self.product = product
        self.tries = tries
        self.found: dict[str, dict[str, Any]] = {
            "throughput_ratio": {},
            "throughput_ratio_wan": {},
            "bytes_per_second": {},
        }

    def run(self) -> dict[str, Any]:
        """Measure everything; return the figures."""
        self.throughput("direct", DIRECT, CONTROLLER_ADDRESS, CONTROLLER_ADDRESS)
        self.throughput("routed", BOTH, CONTROLLER_ADDRESS, CONTROLLER_ADDRESS)
        self.attach()
        wan = CONTROLLER_WAN_ADDRESS
        # For the bare link the router lets TCP out meanwhile.
        rule = "iifname eth1 oifname eth0 meta l4proto tcp accept"
        table = ["inet", "gateway", "transit"]
        self.lab.exec("r2", ["nft", "add", "rule", *table, *rule.split()])
        self.throughput("wireguard", HIDDEN, wan, INSIDE)
        self.throughput("vxlan", VXLAN, wan, CONTROLLER_ADDRESS)
        self.throughput("wireguard+vxlan", BOTH, wan, CONTROLLER_ADDRESS)
        return {**self.found, **self.rotations(), "back_s": self.outages()}

    def attach(self) -> None:
        """Bring the three hosts that have tunnels in."""
        cli = self.product.cli
        # How the packets of edge-1's tunnel come to the controller's outer address.
        wan = ["ip", "route", "replace", "198.51.100.0/24", "via", CONTROLLER_ADDRESS]
        self.lab.exec("r1", wan)
        self.product.add_credential()
        self.product.add_hidden_network()
        self.product.add_host(HIDDEN)
        self.product.bootstrap(HIDDEN)
        cli("emn-add", "depot", "--cidr", "192.168.204.128/26", "--attachment", "vxlan")
        cli(
            "host-add", "-n", VXLAN, "-i", "192.168.204.131", "--underlay", "10.40.0.11"
        )
        kiosks = ("--cidr", "192.168.204.192/26", "--attachment", "wireguard+vxlan")
        cli("emn-add", "kiosks", *kiosks)
        cli("host-add", "-n", BOTH, "-i", "192.168.204.193", "--underlay", "10.20.0.11")
        cli("host-unlock", HIDDEN, VXLAN, BOTH, "--wait", timeout_s=3600)

    def throughput(self, attachment: str, host: str, bare: str, inside: str) -> None:
        """Measure what comes through, to the controller's address inside, and bare."""
        for key, limit in (("throughput_ratio", None), ("throughput_ratio_wan", WAN)):
            with self.limited(host, limit):
                without = self.bytes_per_second(host, bare)
                through = self.bytes_per_second(host, inside)
            _say(
                f"{attachment}, {limit or 'as it is'}: bare {without / 1e6:.2f} MB/s,"
                f" inside {through / 1e6:.2f} MB/s"
            )
            self.found[key][attachment] = round(through / without, 3)
            name = f"{attachment} {limit}" if limit else attachment
            self.found["bytes_per_second"][name] = [round(without), round(through)]

    @contextmanager
    def limited(self, host: str, rate: str | None) -> Iterator[None]:
        """Hold what leaves the host's port to `rate` (tc-tbf(8)), unless it is None."""
        port = ["dev", "eth0", "root"]
        if rate is None:
            yield
            return
        shape = ["tbf", "rate", rate, "burst", "64kb", "latency", "50ms"]
        self.lab.exec(host, ["tc", "qdisc", "add", *port, *shape])
        try:
            yield
        finally:
            self.lab.exec(host, ["tc", "qdisc", "del", *port])

    def bytes_per_second(self, host: str, address: str) -> float:
        """Return what comes through from a host to this address of the controller."""
        sink = self.lab.popen(
            CONTROLLER,
            [sys.executable, "-c", _SINK, str(PORT)],
            stdout=subprocess.PIPE,
        )
        assert sink.stdout is not None
        sink.stdout.readline()
        self.lab.ssh(host, f"python3 - {address} {PORT} {SECONDS}", input_text=_SOURCE)
        return float(sink.stdout.readline())

    def rotations(self) -> dict[str, Any]:
        """Change the key again and again while heartbeats are counted."""
        found = rotate_often(
            self.product,
            HIDDEN,
            beside=BOTH,
            times=ROTATIONS,
            period_seconds=PERIOD_SECONDS,
        )
        _say(
            f"rotated in {[round(one, 1) for one in found.seconds]} s, lost {found.lost}"
        )
        return {
            "rotation_s": round(found.middle, 2),
            "rotations": len(found.seconds),
            "rotation_lost": found.lost,
        }

    def outages(self) -> dict[str, float]:
        """Return how long it took until the host behind NAT was heard again."""
        worst: dict[str, float] = {}
        for name, outage in list(OUTAGES.items()) * self.tries:
            took = back(self.product, outage, timeout_s=300).seconds
            _say(f"{name}: heard again after {took:.1f} s")
            worst[name] = round(max(took, worst.get(name, 0.0)), 1)
        return worst


def hub() -> dict[str, Any]:
    """Return the figures of bench/hub.py, run in a network and with processes of its own."""
    apart = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*apart, sys.executable, str(TOP / "bench/hub.py")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PYTHONPATH": str(TOP), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    told = json.loads(done.stdout.splitlines()[-1])
    adds = {n: told.pop(f"add_peer_ms_{n}") for n in ("10", "10000")}
    return {"add_peer_ms": adds, **told}


def main() -> int:
    """Run the bench; the process's exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=FOLDER, help="the lab's folder")
    parser.add_argument(
        "--tries", type=int, default=TRIES, help="how often each outage is made"
    )
    given = parser.parse_args()
    load = [round(os.getloadavg()[0], 2)]
    found = hub()
    _say(json.dumps(found))
    changes = {"gateway": {"period_seconds": PERIOD_SECONDS}}
    hosts = (DIRECT, BOTH, HIDDEN, VXLAN)
    with (
        Lab.up(given.dir, hosts=hosts, images=True, say=_say) as lab,
        Product(lab, changes=changes) as product,
    ):
        product.start()
        found = {**Bench(lab, product, tries=given.tries).run(), **found}
    load.append(round(os.getloadavg()[0], 2))
    print(json.dumps({**found, "load": load}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
