# SPDX-License-Identifier: Apache-2.0
"""WireGuard's peers at the hub: what is wanted, what is there, and what must change.

A peer is known by its public key alone (wireguard.com/papers/wireguard.pdf, section 2):
its own address may change with every packet and is nobody's business here.
"""

import base64
import binascii
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from hummingbird.errors import PublicKeyInvalid

KEY_BYTES: Final = 32
"""A Curve25519 point (RFC 7748)."""
STALE_HANDSHAKE_SECONDS: Final = 180
"""REJECT_AFTER_TIME: keys of an older handshake carry nothing any more
(wireguard.com/papers/wireguard.pdf, section 6.1)."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One peer as the hub should have it."""

    public_key: str
    """Base64, 44 characters."""
    addresses: tuple[str, ...]
    """What it may send from, and what is sent to it: networks, canonical, sorted.
    Empty: it may shake hands and nothing else."""
    keepalive_seconds: int = 0
    """0: none from our side."""


@dataclass(frozen=True, kw_only=True)
class SeenPeer(Peer):
    """One peer as the interface has it now."""

    endpoint: str | None
    """Where its last good packet came from, as address:port or [address]:port."""
    handshake_at: datetime | None
    received_bytes: int
    sent_bytes: int


@dataclass(frozen=True, kw_only=True)
class Sight:
    """An interface as it is now."""

    public_key: str | None
    """That peers know us by; None: it was given none yet."""
    peers: Mapping[str, SeenPeer]
    """By public key."""


@dataclass(frozen=True)
class Changes:
    """What turns the peers that are there into those that are wanted."""

    put: tuple[Peer, ...] = ()
    """To be added, or given these addresses in place of theirs."""
    remove: tuple[str, ...] = ()
    """Public keys that nobody wants."""

    def __bool__(self) -> bool:
        return bool(self.put or self.remove)


def changes(
    wanted: Mapping[str, Peer], seen: Mapping[str, Peer], *, all_of_it: bool = True
) -> Changes:
    """Return what must change, by public key.

    :param all_of_it: peers that are not wanted are removed; else they are left alone.
    """
    put = tuple(peer for key, peer in wanted.items() if not _same(peer, seen.get(key)))
    remove = tuple(key for key in seen if key not in wanted) if all_of_it else ()
    return Changes(put=put, remove=remove)


def _same(wanted: Peer, seen: Peer | None) -> bool:
    return (
        seen is not None
        and seen.addresses == wanted.addresses
        and seen.keepalive_seconds == wanted.keepalive_seconds
    )


def check_public_key(text: str) -> str:
    """Return `text`, a WireGuard key as `wg pubkey` prints it.

    :raises PublicKeyInvalid: it is not 32 octets in base64.
    """
    try:
        octets = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PublicKeyInvalid() from error
    if len(octets) != KEY_BYTES or not any(octets):
        raise PublicKeyInvalid()
    return base64.b64encode(octets).decode()


@lru_cache(maxsize=1 << 16)
def _canonical(address: str) -> str:
    return str(ipaddress.ip_network(address))


def networks(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses and networks in one notation and order, as Peer keeps them."""
    given = list(addresses)
    if len(given) == 1:
        # Of most peers, ten thousand times in each look.
        return (_canonical(given[0]),)
    found = [ipaddress.ip_network(address) for address in given]
    return tuple(str(net) for net in sorted(found, key=lambda n: (n.version, n)))
