# SPDX-License-Identifier: Apache-2.0
"""What ten thousand hosts cost the hub: run by bench/tunnels.py, in a network of its own.

The product's own reconciler, its own database, a real WireGuard interface (the kernel's, or
wireguard-go's where the kernel has none). Prints one line of JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.fernet import Fernet

from hummingbird.adapters.netlink.hub import HubPlan, NetlinkHub
from hummingbird.clock import SystemClock
from hummingbird.db import migration
from hummingbird.db.model import HOST, TUNNEL
from hummingbird.db.repository import system
from hummingbird.db.repository import tunnel as tunnels
from hummingbird.db.session import Database
from hummingbird.domain.tunnel import address
from hummingbird.domain.wireguard import Peer
from hummingbird.keypair import make_wireguard_key
from hummingbird.reconcilers.machine.tunnel import TunnelReconciler
from hummingbird.secretbox import SecretBox

OVERLAY = "100.64.0.0/16"
PLAN = HubPlan(
    interface="hbbench0",
    address="100.64.0.1",
    overlay=OVERLAY,
    port=51820,
    mtu=1420,
)
TRIES = 20


def fill(database: Database, *, first: int, count: int) -> None:
    """Store `count` hosts with a tunnel each."""
    now = SystemClock().now()
    numbers = range(first, first + count)
    with database.writer() as connection:
        connection.execute(
            HOST.insert(),
            [
                {
                    "id": 2_000_000 + n,
                    "uuid": f"h{n}",
                    "hostname": f"edge-{n}",
                    "mgmt_mac": ":".join(f"{b:02x}" for b in n.to_bytes(6, "big")),
                    "state": "added",
                    "state_since": now,
                    "generation": 1,
                    "location": {},
                    "capabilities": {},
                    "attributes": {},
                    "created_at": now,
                }
                for n in numbers
            ],
        )
        connection.execute(
            TUNNEL.insert(),
            [
                {
                    "uuid": f"t{n}",
                    "host_id": 2_000_000 + n,
                    "address": address(OVERLAY, n),
                    "public_key": make_wireguard_key()[1],
                    "rotated_at": now,
                    "created_at": now,
                }
                for n in numbers
            ],
        )


def measure(folder: Path) -> dict[str, float]:
    """Return the figures."""
    clock = SystemClock()
    database = Database(f"sqlite:///{folder}/bench.sqlite")
    migration.upgrade(database)
    box = SecretBox(Fernet.generate_key())
    with database.writer() as connection:
        system.seed(
            connection, name="bench", mn_cidr="192.168.204.0/24", now=clock.now()
        )
        tunnels.ensure_hub(connection, box=box, now=clock.now())
    reconciler = TunnelReconciler(
        database,
        clock=clock,
        box=box,
        hub=NetlinkHub(),
        plan=PLAN,
        period_seconds=10.0,
        controller="bench",
    )
    found: dict[str, float] = {}
    fill(database, first=1, count=10)
    reconciler.reconcile()
    found["add_peer_ms_10"] = add_one()
    fill(database, first=11, count=9_990)
    reconciler.reconcile()
    found["add_peer_ms_10000"] = add_one()
    # The first look after many changes reads them all.
    used = time.process_time()
    reconciler.reconcile()
    found["first_look_10000_cpu_s"] = round(time.process_time() - used, 3)
    began, used = time.monotonic(), time.process_time()
    outcome = reconciler.reconcile()
    found["look_10000_s"] = round(time.monotonic() - began, 3)
    found["look_10000_cpu_s"] = round(time.process_time() - used, 3)
    assert outcome.looked_at == 10_000 and not outcome.failed, outcome.failed
    subprocess.run(["ip", "link", "del", PLAN.interface], check=True)
    began = time.monotonic()
    outcome = reconciler.reconcile()
    found["restore_10000_s"] = round(time.monotonic() - began, 3)
    assert not outcome.failed, outcome.failed
    assert len(NetlinkHub().open(PLAN).look().peers) == 10_000
    subprocess.run(["ip", "link", "del", PLAN.interface], check=True)
    return found


def add_one() -> float:
    """Return the milliseconds that it takes to add one peer, the middle of some tries;
    each is removed again."""
    interface = NetlinkHub().open(PLAN)
    times = []
    for number in range(TRIES):
        key = make_wireguard_key()[1]
        peer = Peer(public_key=key, addresses=(f"100.65.0.{number}/32",))
        began = time.monotonic()
        interface.change([peer])
        times.append(time.monotonic() - began)
        interface.change([], remove=[key])
    return round(sorted(times)[TRIES // 2] * 1000, 2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(measure(Path(place))))
    sys.exit(0)
