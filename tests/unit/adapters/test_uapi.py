# SPDX-License-Identifier: Apache-2.0
"""A wireguard-go's answers, read; tests/contract/test_wireguard.py asks a real one."""

import base64
from datetime import UTC, datetime

from hummingbird.adapters.netlink.uapi import PeerReader
from hummingbird.domain.wireguard import SeenPeer
from hummingbird.keypair import wireguard_public_key

KEYS = [bytes([n] * 32) for n in (1, 2)]
OWN = base64.b64encode(bytes(range(32))).decode()


def said(key: bytes, *, received: int = 0, handshake: int = 0) -> str:
    return (
        f"public_key={key.hex()}\npreshared_key={'0' * 64}\nprotocol_version=1\n"
        f"endpoint=203.0.113.9:4711\nlast_handshake_time_sec={handshake}\n"
        f"last_handshake_time_nsec=0\ntx_bytes=9\nrx_bytes={received}\n"
        "persistent_keepalive_interval=25\nallowed_ip=100.126.0.2/32\n"
        "allowed_ip=fd00::2/128\n"
    )


def name(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_all_that_is_said_is_read() -> None:
    own = f"private_key={bytes(range(32)).hex()}\nlisten_port=51820\n"
    sight = PeerReader().read(own + said(KEYS[0], received=7, handshake=1_700_000_000))
    assert sight.public_key == wireguard_public_key(OWN)
    assert sight.peers == {
        name(KEYS[0]): SeenPeer(
            public_key=name(KEYS[0]),
            addresses=("100.126.0.2/32", "fd00::2/128"),
            keepalive_seconds=25,
            endpoint="203.0.113.9:4711",
            handshake_at=datetime.fromtimestamp(1_700_000_000, UTC),
            received_bytes=7,
            sent_bytes=9,
        )
    }


def test_an_interface_without_a_key_and_one_without_peers() -> None:
    assert PeerReader().read("").public_key is None
    assert PeerReader().read("listen_port=1\n").peers == {}
    assert list(PeerReader().read(said(KEYS[0])).peers) == [name(KEYS[0])]


def test_who_has_not_changed_is_not_read_again() -> None:
    reader = PeerReader()
    first = reader.read(said(KEYS[0]) + said(KEYS[1])).peers
    second = reader.read(said(KEYS[0]) + said(KEYS[1], received=5)).peers
    assert second[name(KEYS[0])] is first[name(KEYS[0])]
    assert second[name(KEYS[1])].received_bytes == 5
    assert list(reader.read(said(KEYS[1], received=5)).peers) == [name(KEYS[1])]
