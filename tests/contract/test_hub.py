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
    before = first.public_key()
    first.configure(private_key=KEY, port=plan.port)
    first.change([Peer(public_key=PUBLIC, addresses=("100.126.0.2/32",))])
    again = hub.open(plan)
    return {
        "before": before,
        "name": again.name,
        "key": again.public_key(),
        "peers": list(again.peers()),
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


def real_story() -> dict[str, Any]:
    name = f"hbhub{uuid4().hex[:6]}"
    namespaces = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        done = subprocess.run(
            [*namespaces, sys.executable, "-c", _REAL, name],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        (SOCKETS / f"{name}.sock").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    link = seen.pop("link")
    assert link == {
        "mtu": 1420,
        "addresses": ["100.126.0.1/16"],
        "towards a host": name,
    }
    assert seen.pop("name") == name
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
    assert seen["peers"] == [PUBLIC]
