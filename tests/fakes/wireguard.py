# SPDX-License-Identifier: Apache-2.0
"""A WireGuard interface in memory; handshakes happen when a test says so."""

import base64
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hummingbird.domain.wireguard import Peer, SeenPeer, Sight


class FakeWireGuard:
    """Keeps the contract of adapters.netlink.wireguard (tests/contract/test_wireguard.py)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port: int | None = None
        self._private_key: str | None = None
        self._peers: dict[str, SeenPeer] = {}
        self.touched: list[str] = []
        """Public keys that were added, changed or removed, in order."""

    def configure(self, *, private_key: str, port: int) -> None:
        self._private_key, self.port = private_key, port

    def look(self) -> Sight:
        return Sight(public_key=self._public_key(), peers=dict(self._peers))

    def _public_key(self) -> str | None:
        if self._private_key is None:
            return None
        private = X25519PrivateKey.from_private_bytes(
            base64.b64decode(self._private_key)
        )
        return base64.b64encode(private.public_key().public_bytes_raw()).decode()

    def change(self, put: Iterable[Peer], *, remove: Iterable[str] = ()) -> None:
        for key in remove:
            if self._peers.pop(key, None) is not None:
                self.touched.append(key)
        for peer in put:
            self._take_addresses(peer)
            known = self._peers.get(peer.public_key)
            self._peers[peer.public_key] = SeenPeer(
                public_key=peer.public_key,
                addresses=peer.addresses,
                keepalive_seconds=peer.keepalive_seconds,
                endpoint=known.endpoint if known else None,
                handshake_at=known.handshake_at if known else None,
                received_bytes=known.received_bytes if known else 0,
                sent_bytes=known.sent_bytes if known else 0,
            )
            self.touched.append(peer.public_key)

    def shake_hands(self, public_key: str, *, at: datetime, endpoint: str) -> None:
        """Let a peer be heard from `endpoint`."""
        self._peers[public_key] = replace(
            self._peers[public_key], handshake_at=at, endpoint=endpoint
        )

    def _take_addresses(self, peer: Peer) -> None:
        for key, other in self._peers.items():
            left = tuple(a for a in other.addresses if a not in peer.addresses)
            if key != peer.public_key and left != other.addresses:
                self._peers[key] = replace(other, addresses=left)
