# SPDX-License-Identifier: Apache-2.0
"""What a wireguard-go says of its interface, read as cheaply as ten thousand peers ask for.

Lines of key=value, keys in hexadecimal (wireguard.com/xplatform). A peer of whom the same
is said as the last time is the same object as the last time.
"""

import base64
from datetime import UTC, datetime

from hummingbird.domain.wireguard import SeenPeer, Sight, networks
from hummingbird.keypair import wireguard_public_key


class PeerReader:
    """Reads answers to get=1; keeps the last one's peers to compare with."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, SeenPeer]] = {}

    def read(self, text: str) -> Sight:
        """Return what an answer, without its last line, says."""
        own, *peers = f"\n{text}".split("\npublic_key=")
        last, now = self._last, {}
        for said in peers:
            key = said[:64]
            known = last.get(key)
            now[key] = known if known and known[0] == said else (said, _seen(said))
        self._last = now
        return Sight(
            public_key=_own_key(own),
            peers={peer.public_key: peer for _, peer in now.values()},
        )


def _own_key(said: str) -> str | None:
    for line in said.split("\n"):
        name, _, value = line.partition("=")
        if name == "private_key":
            return wireguard_public_key(_base64(value))
    return None


def _seen(said: str) -> SeenPeer:
    key, *lines = said.rstrip("\n").split("\n")
    fields: dict[str, str] = {}
    addresses: list[str] = []
    for line in lines:
        name, _, value = line.partition("=")
        if name == "allowed_ip":
            addresses.append(value)
        else:
            fields[name] = value
    seconds = int(fields.get("last_handshake_time_sec", "0"))
    nanoseconds = int(fields.get("last_handshake_time_nsec", "0"))
    heard = (
        datetime.fromtimestamp(seconds + nanoseconds / 1e9, UTC) if seconds else None
    )
    return SeenPeer(
        public_key=_base64(key),
        addresses=networks(addresses),
        keepalive_seconds=int(fields.get("persistent_keepalive_interval", "0")),
        endpoint=fields.get("endpoint"),
        handshake_at=heard,
        received_bytes=int(fields.get("rx_bytes", "0")),
        sent_bytes=int(fields.get("tx_bytes", "0")),
    )


def _base64(key: str) -> str:
    return base64.b64encode(bytes.fromhex(key)).decode()
