# SPDX-License-Identifier: Apache-2.0
"""What tunnels cost: throughput, keys, and a hub of ten thousand hosts.

One lab with a host behind a gateway that lets out UDP and nothing else, one product with
its defaults.  Prints one JSON line last:

throughput_ratio   host to controller, by attachment: TCP through it, to TCP over the bare
                   link in the same run (for which the gateway lets TCP out meanwhile)
add_peer_ms        one peer more at the hub, by number of peers: the middle of 20
look_10000_s       the reconciler's look at 10,000 peers when nothing is to be done
restore_10000_s    from a controller without an interface to all 10,000 peers being there
rotation_s         one change of a key, from the request to the former key's end, the middle
rotations          how often the host's key was changed
rotation_lost      heartbeat periods without a heartbeat meanwhile
"""

import argparse
import itertools
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hummingbird_lab.inventory import CONTROLLER
from hummingbird_lab.lab import Lab
from hummingbird_lab.product import Product
from hummingbird_lab.witness import Witness

FOLDER = Path("/var/tmp/hummingbird-bench")  # noqa: S108 -- on a disk, for the overlays
TOP = Path(__file__).resolve().parents[1]
HOST = "edge-2"
BARE, INSIDE, PORT = "198.51.100.2", "100.126.0.1", 5999
PERIOD_SECONDS = 5.0
ROTATIONS = 20
SECONDS = 5.0

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
    """One host's tunnel, measured."""

    def __init__(self, lab: Lab, product: Product) -> None:
        self.lab = lab
        self.product = product
        self.witness = Witness(product)

    def run(self) -> dict[str, Any]:
        """Measure everything; return the figures."""
        self.product.add_credential()
        self.product.add_hidden_network()
        self.product.add_host(HOST)
        self.product.bootstrap(HOST)
        self.product.cli("host-unlock", HOST, "--wait", timeout_s=1800)
        found = {"throughput_ratio": {"wireguard": self.throughput_ratio()}}
        found |= self.rotations()
        return found

    def throughput_ratio(self) -> float:
        """Return the throughput inside, to that of the bare link."""
        rule = "iifname eth1 oifname eth0 meta l4proto tcp accept"
        table = ["inet", "gateway", "transit"]
        self.lab.exec("r2", ["nft", "add", "rule", *table, *rule.split()])
        bare = self.bytes_per_second(BARE)
        inside = self.bytes_per_second(INSIDE)
        _say(f"bare {bare / 1e6:.1f} MB/s, inside {inside / 1e6:.1f} MB/s")
        return round(inside / bare, 3)

    def bytes_per_second(self, address: str) -> float:
        """Return what comes through from the host to this address of the controller."""
        sink = self.lab.popen(
            CONTROLLER,
            [sys.executable, "-c", _SINK, str(PORT)],
            stdout=subprocess.PIPE,
        )
        assert sink.stdout is not None
        sink.stdout.readline()
        self.lab.ssh(HOST, f"python3 - {address} {PORT} {SECONDS}", input_text=_SOURCE)
        return float(sink.stdout.readline())

    def rotations(self) -> dict[str, Any]:
        """Change the key again and again while heartbeats are counted."""
        heard: list[float] = []
        done = threading.Event()
        listener = Product(self.lab, self.product.directory)

        def listen() -> None:
            last = ""
            while not done.is_set():
                beat = listener.api("GET", f"/v1/heartbeats/{HOST}")
                if beat["last_heard_at"] != last:
                    last = beat["last_heard_at"]
                    heard.append(time.monotonic())
                done.wait(0.2)

        thread = threading.Thread(target=listen)
        thread.start()
        times = [self.rotate() for _ in range(ROTATIONS)]
        done.set()
        thread.join()
        gaps = [after - before for before, after in itertools.pairwise(heard)]
        # One heartbeat a period: a gap of two periods has lost one. Half a period more or
        # less is its jitter and its way.
        lost = sum(max(0, round(gap / PERIOD_SECONDS) - 1) for gap in gaps)
        return {
            "rotation_s": round(sorted(times)[len(times) // 2], 2),
            "rotations": ROTATIONS,
            "rotation_lost": lost,
        }

    def rotate(self) -> float:
        """Return the seconds that a change of the key took."""
        began = time.monotonic()
        run = self.product.api("POST", f"/v1/tunnels/{HOST}/rotate", {})
        self.witness.wait(
            "rotated",
            lambda: self.witness.run(run["uuid"])["state"] not in ("queued", "running"),
            timeout_s=120,
        )
        ended = self.witness.run(run["uuid"])
        if ended["state"] != "succeeded":
            raise SystemExit(f"a key could not be changed: {ended['error']}")
        _say(f"rotated in {time.monotonic() - began:.1f} s")
        return time.monotonic() - began


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
    given = parser.parse_args()
    found = hub()
    _say(json.dumps(found))
    changes = {"gateway": {"period_seconds": PERIOD_SECONDS}}
    with (
        Lab.up(given.dir, hosts=(HOST,), images=True, say=_say) as lab,
        Product(lab, changes=changes) as product,
    ):
        product.start()
        found = {**Bench(lab, product).run(), **found}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
