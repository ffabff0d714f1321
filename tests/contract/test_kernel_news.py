# SPDX-License-Identifier: Apache-2.0
"""What the sysinv-agent hears of a real kernel: LLDP on a cable, changes, addresses.

The namespace is the test's own and has no way out: one veth pair, both ends in it. Needs
root.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

ROOT = Path(__file__).parents[2]
FRAME = (
    "020704001b21aabbcc"  # chassis 00:1b:21:aa:bb:cc
    "040805" + b"Gi1/0/7".hex() + "06020078"  # 120 s
    "0a08" + b"switch-1".hex() + "0000"
)

_HEAR = """
import json, socket, subprocess, sys, time
from agents.sysinv_agent.address import addresses
from agents.sysinv_agent.lldp import LldpListener
from agents.sysinv_agent.watch import Watch, kernel_events

def until(true):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if true():
            return True
    return False

def ip(*words):
    subprocess.run(["ip", *words], check=True)

listener = LldpListener(monotonic=time.monotonic)
watch = Watch([listener])
agents = listener.agents(["eno1", "not-there"])
far = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
far.bind(("far1", 0))
frame = bytes.fromhex("0180c200000e020000000001" "88cc" + sys.argv[1])
far.send(frame)
heard = until(lambda: watch.wait(0.5))
news = Watch(kernel_events())
while news.wait(0.2):
    pass
told = {}
for what, words in {
    "mtu": ("link", "set", "eno1", "mtu", "1400"),
    "address": ("address", "add", "192.0.2.1/24", "dev", "eno1"),
}.items():
    ip(*words)
    told[what] = until(lambda: news.wait(0.5))
quiet = False
for name in ("veth1", "veth2", "veth3"):
    # What comes late of eno1 may fall into one of these times, not into all.
    ip("link", "add", name, "type", "veth", "peer", "name", name + "far")
    quiet = quiet or not any([news.wait(0.2) for _ in range(5)])
print(json.dumps({
    "agents": agents, "heard": heard, "neighbours": listener.neighbours(),
    "told": told, "quiet": quiet, "addresses": addresses().get("eno1"),
}))
"""


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"hb-test-{uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    try:
        words = ("link", "add", "eno1", "type", "veth", "peer", "name", "far1")
        run("ip", "-n", name, *words)
        for link in ("lo", "eno1", "far1"):
            run("ip", "-n", name, "link", "set", link, "up")
        yield name
    finally:
        run("ip", "netns", "delete", name)


def test_the_kernel_tells_what_the_inventory_needs_to_know(namespace: str) -> None:
    words = ("ip", "netns", "exec", namespace, sys.executable, "-c", _HEAR, FRAME)
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["agents"] == [{"port_name": "eno1", "status": "rx=enabled,tx=disabled"}]
    assert said["heard"]
    (neighbour,) = said["neighbours"]
    assert neighbour["msap"] == "00:1b:21:aa:bb:cc,Gi1/0/7"
    assert neighbour["system_name"] == "switch-1"
    assert said["told"] == {"mtu": True, "address": True}
    assert said["quiet"], "the ends of containers' networks are no news"
    assert said["addresses"] == ["192.0.2.1/24"]
