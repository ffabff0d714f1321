# SPDX-License-Identifier: Apache-2.0
"""The hub on this controller has exactly the peers that the tunnels say, and no other.

Sees the tunnels in the database and the interface; changes only the peers that differ, so
that nobody else's session notices. A key that a host changes to takes over at the hub
when it is first heard. A peer that no tunnel names is removed and reported: it can only
be a retired host's or a stranger's. What was heard of each goes into the database.

Runs on every conductor: each has a hub of its own with the same key and the same peers,
and a host is heard by the one that its packets reach.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hummingbird.adapters.netlink.hub import Hub, HubPlan
from hummingbird.adapters.netlink.wireguard import WireGuard
from hummingbird.clock import Clock
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Database
from hummingbird.domain.tunnel import Tunnel, peers
from hummingbird.domain.wireguard import SeenPeer, changes
from hummingbird.errors import HubUnavailable
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

KEY_SHOWN: Final = 8
"""Letters of a public key that tell it from others in a report."""


@dataclass(frozen=True)
class _Wanted:
    tunnels: tuple[Tunnel, ...]
    private_key: str


class TunnelReconciler:
    """Keeps the hub as the tunnels say."""

    name = "tunnel"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        box: SecretBox,
        hub: Hub,
        plan: HubPlan,
        period_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._hub = hub
        self._plan = plan
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at every peer of the hub; change those that differ."""
        wanted = self._wanted()
        if wanted is None:
            return Outcome()
        said: list[str] = []
        try:
            interface = self._hub.open(self._plan)
            said += self._configure(interface, wanted.private_key)
            seen = interface.peers()
            tunnels, promoted = self._promote(wanted.tunnels, seen)
            said += promoted
            said += self._change(interface, tunnels, seen)
        except (HubUnavailable, OSError) as error:
            return Outcome(looked_at=len(wanted.tunnels), failed=(str(error),))
        self._remember(tunnels, seen)
        return Outcome(looked_at=len(wanted.tunnels), changed=tuple(said))

    def _wanted(self) -> _Wanted | None:
        with self._database.reader() as connection:
            tunnels = tuple(tunnel_repository.list_all(connection))
            key = tunnel_repository.hub_private_key(connection, box=self._box)
        if key is None:
            return None
        return _Wanted(tunnels, key)

    def _configure(self, interface: WireGuard, private_key: str) -> list[str]:
        if interface.public_key() == public_key_of(private_key):
            return []
        interface.configure(private_key=private_key, port=self._plan.port)
        return [f"{interface.name} has the hub's key"]

    def _promote(
        self, tunnels: tuple[Tunnel, ...], seen: Mapping[str, SeenPeer]
    ) -> tuple[tuple[Tunnel, ...], list[str]]:
        """Let keys that were heard take over; return the tunnels as they are now."""
        heard = [one for one in tunnels if _heard(seen.get(one.next_key or ""))]
        if not heard:
            return tunnels, []
        now = self._clock.now()
        after: dict[int, Tunnel] = {}
        with self._database.writer() as connection:
            for one in heard:
                after[one.id] = tunnel_repository.change(
                    connection,
                    one,
                    public_key=one.next_key,
                    next_key=None,
                    claim_key=None,
                    claim_until=None,
                    rotated_at=now,
                )
        said = [
            f"{one.address} has the new key {_short(one.next_key)}" for one in heard
        ]
        return tuple(after.get(one.id, one) for one in tunnels), said

    def _change(
        self,
        interface: WireGuard,
        tunnels: tuple[Tunnel, ...],
        seen: Mapping[str, SeenPeer],
    ) -> list[str]:
        found = changes(peers(tunnels, now=self._clock.now()), seen)
        if not found:
            return []
        interface.change(found.put, remove=found.remove)
        return [
            *(f"peer {_short(peer.public_key)} put" for peer in found.put),
            *(f"peer {_short(key)} removed: no tunnel has it" for key in found.remove),
        ]

    def _remember(
        self, tunnels: tuple[Tunnel, ...], seen: Mapping[str, SeenPeer]
    ) -> None:
        news = {}
        for one in tunnels:
            peer = seen.get(one.public_key or one.claim_key or "")
            if peer is None or peer.handshake_at is None:
                continue
            # Another controller's hub may have heard the host later.
            if one.handshake_at is None or peer.handshake_at > one.handshake_at:
                news[one.id] = peer
        if news:
            with self._database.writer() as connection:
                tunnel_repository.put_seen(connection, news)


def make_key() -> tuple[str, str]:
    """Return a new private key and its public key, both in base64 (RFC 7748)."""
    private = base64.b64encode(os.urandom(32)).decode()
    return private, public_key_of(private)


def public_key_of(private_key: str) -> str:
    """Return the public key of a private one, both in base64."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _heard(peer: SeenPeer | None) -> bool:
    return peer is not None and peer.handshake_at is not None


def _short(key: str | None) -> str:
    return f"{(key or '')[:KEY_SHOWN]}…"
