# SPDX-License-Identifier: Apache-2.0
"""What every WireGuard interface keeps: the fake one, and wireguard-go's.

The real ones stand in two network namespaces of the test's own, hub and host, with one
cable between them and no way out. Needs root and wireguard-go.
"""

import base64
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

import pytest

from hummingbird.adapters.netlink.wireguard import WireGuard
from hummingbird.adapters.netlink.wireguard_go import SOCKETS, UserspaceWireGuard
from hummingbird.domain.wireguard import Peer, SeenPeer, changes
from tests.fakes.wireguard import FakeWireGuard

PORT = 51820


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def public_key_of(private_key: str) -> str:
    done = subprocess.run(
        ["wg", "pubkey"], input=private_key, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def peer(key: str, *addresses: str, keepalive_seconds: int = 0) -> Peer:
    return Peer(
        public_key=key, addresses=addresses, keepalive_seconds=keepalive_seconds
    )


def wanted_part(seen: SeenPeer) -> Peer:
    return Peer(
        public_key=seen.public_key,
        addresses=seen.addresses,
        keepalive_seconds=seen.keepalive_seconds,
    )


class RealInterface:
    """A wireguard-go in a network namespace of its own."""

    def __init__(self) -> None:
        unique = uuid4().hex[:6]
        self.namespace, name = f"hb-wg-{unique}", f"hbwg{unique}"
        SOCKETS.mkdir(parents=True, exist_ok=True)
        self.run("ip", "netns", "add", self.namespace)
        self._program = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, "wireguard-go", "-f", name],
            stdout=subprocess.DEVNULL,
            stderr=(log := tempfile.TemporaryFile("w+")),  # noqa: SIM115
            env={**os.environ, "LOG_LEVEL": "error"},
        )
        self._log = log
        self.interface = UserspaceWireGuard(name)
        deadline = time.monotonic() + 60
        while not self.interface.is_served:
            ended = self._program.poll()
            self._log.seek(0)
            assert ended is None, f"wireguard-go ended: {ended} {self._log.read()}"
            assert time.monotonic() < deadline, "wireguard-go did not start"
            time.sleep(0.02)

    def end(self) -> None:
        self._program.kill()
        self._program.wait()
        (SOCKETS / f"{self.interface.name}.sock").unlink(missing_ok=True)
        self.run("ip", "netns", "del", self.namespace)

    def ip(self, *arguments: str) -> None:
        self.run("ip", "-n", self.namespace, *arguments)

    def pings(self, address: str) -> bool:
        argv = ["ip", "netns", "exec", self.namespace, "ping"]
        argv += ["-c1", "-W2", "-q", address]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
        return done.returncode == 0

    @staticmethod
    def run(*argv: str) -> None:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr


class _Named(Protocol):
    interface: UserspaceWireGuard


@pytest.fixture
def real() -> Iterator[RealInterface]:
    made = RealInterface()
    yield made
    made.end()


@pytest.fixture(params=["fake", "wireguard-go"])
def interface(request: pytest.FixtureRequest) -> WireGuard:
    if request.param == "fake":
        return FakeWireGuard("hbwg0")
    made: _Named = request.getfixturevalue("real")
    return made.interface


def test_the_key_that_was_given_is_the_key_that_peers_see(interface: WireGuard) -> None:
    assert interface.look().public_key is None
    key = new_key()
    interface.configure(private_key=key, port=PORT)
    assert interface.look().public_key == public_key_of(key)


def test_what_was_put_is_there_and_what_was_removed_is_not(
    interface: WireGuard,
) -> None:
    interface.configure(private_key=new_key(), port=PORT)
    first = peer(new_key(), "100.64.0.1/32", "fd00::1/128", keepalive_seconds=25)
    second = peer(new_key())
    interface.change([first, second])
    seen = interface.look().peers
    assert {key: wanted_part(one) for key, one in seen.items()} == {
        first.public_key: first,
        second.public_key: second,
    }
    assert seen[first.public_key].endpoint is None
    assert seen[first.public_key].handshake_at is None

    interface.change([], remove=[first.public_key, new_key()])
    assert list(interface.look().peers) == [second.public_key]


def test_a_changed_peer_loses_what_it_no_longer_has(interface: WireGuard) -> None:
    interface.configure(private_key=new_key(), port=PORT)
    before = peer(new_key(), "100.64.0.1/32", "100.64.0.2/32", keepalive_seconds=25)
    interface.change([before])
    after = replace(before, addresses=("100.64.0.3/32",), keepalive_seconds=0)
    interface.change([after])
    assert wanted_part(interface.look().peers[after.public_key]) == after


def test_an_address_goes_to_the_peer_that_got_it_last(interface: WireGuard) -> None:
    interface.configure(private_key=new_key(), port=PORT)
    old, new = peer(new_key(), "100.64.0.1/32"), peer(new_key())
    interface.change([old, new])
    interface.change([replace(new, addresses=old.addresses)])
    seen = interface.look().peers
    assert seen[old.public_key].addresses == ()
    assert seen[new.public_key].addresses == ("100.64.0.1/32",)


def test_peers_outlive_a_new_configuration(interface: WireGuard) -> None:
    interface.configure(private_key=new_key(), port=PORT)
    one = peer(new_key(), "100.64.0.1/32")
    interface.change([one])
    interface.configure(private_key=new_key(), port=PORT + 1)
    assert wanted_part(interface.look().peers[one.public_key]) == one


def test_after_the_changes_nothing_is_to_be_changed(interface: WireGuard) -> None:
    interface.configure(private_key=new_key(), port=PORT)
    kept, moved, foreign = (peer(new_key(), f"100.64.0.{n}/32") for n in (1, 2, 3))
    interface.change([kept, moved, foreign])
    new = peer(new_key(), "100.64.0.9/32")
    wanted = {
        one.public_key: one
        for one in (kept, replace(moved, addresses=("100.64.0.8/32",)), new)
    }
    found = changes(wanted, interface.look().peers)
    assert {one.public_key for one in found.put} == {moved.public_key, new.public_key}
    assert found.remove == (foreign.public_key,)
    interface.change(found.put, remove=found.remove)
    assert not changes(wanted, interface.look().peers)


def test_an_interface_that_is_gone_is_an_error(real: RealInterface) -> None:
    missing = UserspaceWireGuard("hbwg-none")
    assert not missing.is_served
    with pytest.raises(OSError, match="hbwg-none"):
        missing.look()
    with pytest.raises(OSError, match="refused"):
        real.interface.configure(private_key=new_key(), port=70000)


def test_a_session_outlives_changes_of_others_and_of_its_addresses(
    real: RealInterface,
) -> None:
    """What rotation and ten thousand peers stand on: nobody else is disturbed."""
    hub = real
    host = RealInterface()
    try:
        _join(hub, host)
        hub_key, host_key = new_key(), new_key()
        hub_public, host_public = public_key_of(hub_key), public_key_of(host_key)
        hub.interface.configure(private_key=hub_key, port=PORT)
        host.interface.configure(private_key=host_key, port=PORT)
        hub.interface.change([peer(host_public, "100.64.0.2/32")])
        subprocess.run(
            [
                *("ip", "netns", "exec", host.namespace, "wg", "set"),
                *(host.interface.name, "peer", hub_public),
                *("endpoint", f"192.0.2.1:{PORT}", "allowed-ips", "100.64.0.1/32"),
            ],
            check=True,
            timeout=60,
        )
        assert host.pings("100.64.0.1")
        first = hub.interface.look().peers[host_public]
        assert first.endpoint == f"192.0.2.2:{PORT}"
        assert first.handshake_at is not None

        others = [peer(new_key(), f"100.65.0.{n}/32") for n in range(100)]
        hub.interface.change(others)
        hub.interface.change(
            [peer(host_public, "100.64.0.2/32", "100.64.0.3/32")],
            remove=[one.public_key for one in others],
        )
        assert host.pings("100.64.0.1")
        after = hub.interface.look().peers
        assert list(after) == [host_public]
        assert after[host_public].handshake_at == first.handshake_at
        assert after[host_public].endpoint == first.endpoint
    finally:
        host.end()


def _join(hub: RealInterface, host: RealInterface) -> None:
    """Lay a cable between the two, and give the tunnel its addresses."""
    hub.ip(
        *("link", "add", "wan0", "type", "veth", "peer", "name", "wan0"),
        *("netns", host.namespace),
    )
    for end, number in ((hub, 1), (host, 2)):
        end.ip("address", "add", f"192.0.2.{number}/24", "dev", "wan0")
        end.ip("link", "set", "wan0", "up")
        end.ip("address", "add", f"100.64.0.{number}/24", "dev", end.interface.name)
        end.ip("link", "set", end.interface.name, "up")
