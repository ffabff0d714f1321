# SPDX-License-Identifier: Apache-2.0
"""A WireGuard interface of this controller: its key, its port, its peers.

The kernel's where it has WireGuard, else a `wireguard-go` of the interface's name, which
is spoken to through its socket (wireguard.com/xplatform). Both keep nothing over a
restart of the machine; the reconciler of tunnels puts back what is wanted.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from hummingbird.domain.wireguard import Peer, SeenPeer, Sight, networks


class WireGuard(Protocol):
    """One interface that exists."""

    @property
    def name(self) -> str:
        """The interface's name."""

    def configure(self, *, private_key: str, port: int) -> None:
        """Set the key (base64) and the UDP port; peers stay.

        :raises OSError: the interface is gone, or the port is taken.
        """

    def look(self) -> Sight:
        """Return the interface's own key and its peers, in one conversation.

        :raises OSError: the interface is gone.
        """

    def change(self, put: Iterable[Peer], *, remove: Iterable[str] = ()) -> None:
        """Remove the keys in `remove`, then add or replace the peers in `put`.

        Touches no other peer, and neither the session nor the endpoint of one that
        is given other addresses. An address goes to the peer that was given it last.

        :raises OSError: the interface is gone.
        """


class KernelWireGuard:
    """An interface of the kernel's own, by generic netlink (linux/wireguard.h)."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def configure(self, *, private_key: str, port: int) -> None:
        with _generic_netlink() as netlink:
            _answered(
                netlink.set, self._name, private_key=private_key, listen_port=port
            )

    def look(self) -> Sight:
        own: str | None = None
        found: dict[str, SeenPeer] = {}
        with _generic_netlink() as netlink:
            # A dump comes in parts; a peer with many addresses may be cut in two.
            for part in _answered(netlink.info, self._name):
                key = part.get_attr("WGDEVICE_A_PUBLIC_KEY")
                own = _text(key) if key else own
                for peer in part.get_attr("WGDEVICE_A_PEERS") or ():
                    seen = _seen(peer)
                    known = found.get(seen.public_key)
                    found[seen.public_key] = _joined(known, seen) if known else seen
        return Sight(public_key=own, peers=found)

    def change(self, put: Iterable[Peer], *, remove: Iterable[str] = ()) -> None:
        with _generic_netlink() as netlink:
            for key in remove:
                gone = {"public_key": key, "remove": True}
                _answered(netlink.set, self._name, peer=gone)
            for peer in put:
                _answered(netlink.set, self._name, peer=_wanted(peer))


def _generic_netlink() -> Any:
    # A tenth of a second of imports: only who has tunnels pays.
    from pyroute2.netlink.generic.wireguard import WireGuard as GenericNetlink

    return GenericNetlink()


def _answered(call: Any, *arguments: Any, **named: Any) -> tuple[Any, ...]:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        return tuple(call(*arguments, **named))
    except NetlinkError as error:
        raise OSError(error.code, f"WireGuard: {error}") from error


def _wanted(peer: Peer) -> Mapping[str, object]:
    return {
        "public_key": peer.public_key,
        "persistent_keepalive": peer.keepalive_seconds,
        "replace_allowed_ips": True,
        "allowed_ips": list(peer.addresses),
    }


def _seen(peer: Any) -> SeenPeer:
    handshake = peer.get_attr("WGPEER_A_LAST_HANDSHAKE_TIME") or {}
    seconds = handshake.get("tv_sec", 0) + handshake.get("tv_nsec", 0) / 1e9
    endpoint = peer.get_attr("WGPEER_A_ENDPOINT")
    addresses = peer.get_attr("WGPEER_A_ALLOWEDIPS") or ()
    return SeenPeer(
        public_key=_text(peer.get_attr("WGPEER_A_PUBLIC_KEY")),
        addresses=networks(item["addr"] for item in addresses),
        keepalive_seconds=peer.get_attr("WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL") or 0,
        endpoint=_endpoint(endpoint) if endpoint else None,
        handshake_at=datetime.fromtimestamp(seconds, UTC) if seconds else None,
        received_bytes=peer.get_attr("WGPEER_A_RX_BYTES") or 0,
        sent_bytes=peer.get_attr("WGPEER_A_TX_BYTES") or 0,
    )


def _joined(first: SeenPeer, rest: SeenPeer) -> SeenPeer:
    from dataclasses import replace

    return replace(first, addresses=networks({*first.addresses, *rest.addresses}))


def _endpoint(found: Any) -> str:
    address, port = found["addr"], found["port"]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
