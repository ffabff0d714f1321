# SPDX-License-Identifier: Apache-2.0
"""What every Hub keeps: the fake one, and the real one in a network namespace.

The real one runs in namespaces of the test's own, which end with it: network, so that
nothing is addressed here, and processes, so that no wireguard-go stays. Needs root.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hummingbird.adapters.netlink.hub import Hub, HubPlan
from hummingbird.adapters.netlink.wireguard_go import SOCKETS
from hummingbird.domain.wireguard import Peer
from tests.fakes.hub import FakeHub

ROOT = Path(__file__).parents[2]
KEY = "QGhJ0bAFuaVyBqO8bcPTo1T4DJzQEXDLrOmZ7SFJtUU="
PUBLIC = "y" * 42 + "8="


def story(hub: Hub, name: str) -> dict[str, Any]:
    """Open the hub twice, with something kept in between; return what was seen."""
    plan = HubPlan(
        interface=name,
        address="100.126.0.1",
        overlay="100.126.0.0/16",
        port=51999,
        mtu=1420,
    )
    first = hub.open(plan)
    before = first.look().public_key
    first.configure(private_key=KEY, port=plan.port)
    first.change([Peer(public_key=PUBLIC, addresses=("100.126.0.2/32",))])
    again = hub.open(plan)
    narrow = [
        hub.narrow(plan, ways)
        for ways in (
            {},
            {"100.126.0.2": 1240, "100.126.0.3": 1300},
            {"100.126.0.2": 1240, "100.126.0.3": 1310},
            {"100.126.0.2": 1240},
        )
    ]
    return {
        "narrow": narrow,
        "before": before,
        "name": again.name,
        "key": again.look().public_key,
        "peers": list(again.look().peers),
    }


_REAL = """
import json, subprocess, sys
from hummingbird.adapters.netlink.hub import NetlinkHub
from tests.contract.test_hub import story
name = sys.argv[1]
seen = story(NetlinkHub(), name)
shown = subprocess.run(
    ["ip", "-j", "address", "show", name], capture_output=True, text=True, check=True
)
(link,) = json.loads(shown.stdout)
routed = subprocess.run(
    ["ip", "-j", "route", "get", "100.126.9.9"],
    capture_output=True, text=True, check=True,
)
ways = {}
for address in ("100.126.0.2", "100.126.0.3"):
    shown = subprocess.run(
        ["ip", "route", "get", address], capture_output=True, text=True, check=True
    )
    ways[address] = shown.stdout.split("mtu ")[1].split()[0] if "mtu " in shown.stdout else ""
seen["ways"] = ways
seen["link"] = {
    "mtu": link["mtu"],
    "addresses": [
        f"{a['local']}/{a['prefixlen']}"
        for a in link["addr_info"] if a["family"] == "inet"
    ],
    "towards a host": json.loads(routed.stdout)[0]["dev"],
}
print(json.dumps(seen))
"""


_HUNG = """
import json, os, signal, sys, time
from pathlib import Path
from hummingbird.adapters.netlink.hub import NetlinkHub
from tests.contract.test_hub import KEY, story
from tests.processes import all_pids

def is_hub(folder):
    try:
        return b"wireguard-go" in (folder / "cmdline").read_bytes().split(b"\\0")[0] \\
            and "State:\\tZ" not in (folder / "status").read_text()
    except OSError:  # gone meanwhile
        return False

def running():
    return {str(pid) for pid in all_pids() if is_hub(Path("/proc", str(pid)))}

name = sys.argv[1]
story(NetlinkHub(), name)
(hung,) = running()
os.kill(int(hung), signal.SIGSTOP)
while "State:\\tT" not in Path("/proc", hung, "status").read_text():
    time.sleep(0.02)  # a busy machine takes its time to stop all of its threads
seen = story(NetlinkHub(answer_seconds=2.0), name)
print(json.dumps({"peers": seen["peers"], "before": seen["before"],
    "again": running() not in (set(), {hung}), "others": len(running()) - 1}))
"""


def run_apart(program: str) -> dict[str, Any]:
    """Run a program with the name of a hub, in namespaces of its own; return what it
    printed."""
    name = f"hbhub{uuid4().hex[:6]}"
    namespaces = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        done = subprocess.run(
            [*namespaces, sys.executable, "-c", program, name],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        (SOCKETS / f"{name}.sock").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return {**seen, "asked": name}


def real_story() -> dict[str, Any]:
    seen = run_apart(_REAL)
    name = seen.pop("asked")
    link = seen.pop("link")
    assert link == {
        "mtu": 1420,
        "addresses": ["100.126.0.1/16"],
        "towards a host": name,
    }
    assert seen.pop("name") == name
    assert seen.pop("ways") == {"100.126.0.2": "1240", "100.126.0.3": ""}
    return seen


def fake_story() -> dict[str, Any]:
    seen = story(FakeHub(), "hbhub0")
    assert seen.pop("name") == "hbhub0"
    return seen


@pytest.mark.parametrize("tell", [fake_story, real_story])
def test_a_hub_that_is_there_is_kept_as_it_is(tell: Any) -> None:
    seen = tell()
    assert seen["before"] is None
    assert seen["key"] is not None
    assert seen["narrow"] == [
        [],
        [
            "packets to 100.126.0.2 are of 1240 bytes at most",
            "packets to 100.126.0.3 are of 1300 bytes at most",
        ],
        ["packets to 100.126.0.3 are of 1310 bytes at most"],
        ["packets to 100.126.0.3 may be as large as the hub's"],
    ]
    assert seen["peers"] == [PUBLIC]


def test_a_hub_whose_wireguard_go_hangs_is_made_anew() -> None:
    """All hosts are cut off meanwhile; its peers are put back by who opened it."""
    seen = run_apart(_HUNG)
    assert seen["before"] is None, "nothing of the former one is left"
    assert seen["peers"] == [PUBLIC]
    assert seen["again"] and seen["others"] == 0
