# SPDX-License-Identifier: Apache-2.0
"""Whether a controller forwards, as the kernel and nftables have it: in a network
namespace of the test's own. Needs root and nft."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).parents[2]
_LOOK = """
import json
from hummingbird.adapters.netlink.forwarding import SystemForwarding
from hummingbird.reconcilers.machine.forwarding import ForwardingReconciler
found = ForwardingReconciler(
    SystemForwarding(bridge="br0"),
    interfaces={"hub0": frozenset({4, 6}), "br0": frozenset({4})},
    period_seconds=60,
).reconcile()
print(json.dumps([found.looked_at, *found.failed]))
"""


class Controller:
    """A namespace with an interface for hub0 to be."""

    def __init__(self) -> None:
        self.name = f"hb-fw-{uuid4().hex[:6]}"
        _run("ip", "netns", "add", self.name)
        for version in ("ipv4", "ipv6"):
            self.set(f"net.{version}.conf.all.forwarding", 1)

    def ip(self, *words: str) -> None:
        _run("ip", "-n", self.name, *words)

    def set(self, setting: str, value: int) -> None:
        self.inside("sysctl", "-qw", f"{setting}={value}")

    def nft(self, rules: str) -> None:
        self.inside("nft", rules)

    def inside(self, *argv: str, env: dict[str, str] | None = None) -> str:
        return _run("ip", "netns", "exec", self.name, *argv, env=env)

    def look(self) -> tuple[int, list[str]]:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        looked_at, *failed = json.loads(
            self.inside(sys.executable, "-c", _LOOK, env=env)
        )
        return looked_at, failed


def _run(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def controller() -> Iterator[Controller]:
    made = Controller()
    yield made
    _run("ip", "netns", "del", made.name)


def test_a_controller_says_what_it_does_not_forward(controller: Controller) -> None:
    assert controller.look() == (0, []), "without an interface nothing is needed"
    controller.ip("link", "add", "hub0", "type", "bridge")
    assert controller.look() == (1, [])
    controller.set("net.ipv4.ip_forward", 0)
    looked_at, (said,) = controller.look()
    assert looked_at == 1
    assert "IPv4 that comes in by hub0 is not forwarded" in said
    assert "sysctl -w net.ipv4.ip_forward=1" in said
    controller.set("net.ipv4.ip_forward", 1)
    controller.set("net.ipv6.conf.hub0.forwarding", 0)
    _, (said,) = controller.look()
    assert "IPv6" in said


def test_a_firewall_that_knows_nothing_of_it_is_told_of(controller: Controller) -> None:
    controller.ip("link", "add", "hub0", "type", "bridge")
    controller.nft("add table inet guard")
    controller.nft(
        "add chain inet guard pass { type filter hook forward priority 0; policy drop; }"
    )
    _, (said,) = controller.look()
    assert "chain inet guard pass drops" in said and "hub0" in said
    for direction in ("iifname", "oifname"):
        controller.nft(f'add rule inet guard pass {direction} "hub0" accept')
    assert controller.look() == (1, [])


def test_an_operators_own_bridge_is_no_way_out(controller: Controller) -> None:
    controller.ip("link", "add", "br0", "type", "bridge")
    controller.set("net.ipv4.ip_forward", 0)
    assert controller.look() == (0, [])
    controller.ip("link", "set", "br0", "alias", "hummingbird")
    looked_at, failed = controller.look()
    assert (looked_at, len(failed)) == (1, 1)
