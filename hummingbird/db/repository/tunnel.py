# SPDX-License-Identifier: Apache-2.0
"""Tunnels and the hub's key: rows in, domain objects out."""

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import EMN, HEARTBEAT, HOST, HUB, TUNNEL
from hummingbird.domain.emn import WITH_VXLAN
from hummingbird.domain.tunnel import Tunnel, address
from hummingbird.domain.wireguard import SeenPeer
from hummingbird.errors import TunnelKeyTaken
from hummingbird.keypair import make_wireguard_key
from hummingbird.secretbox import SecretBox

_HUB = 1
_TRIES = 20


_COLUMNS = tuple(TUNNEL.c[name] for name in Tunnel.__dataclass_fields__)


def _stamp() -> int:
    # 32 bits, so that the sum of all stays a number for every database.
    return secrets.randbits(32)


def _tunnel(row: Row[Any]) -> Tunnel:
    return Tunnel(**row._mapping)


def list_all(connection: Connection) -> list[Tunnel]:
    """Return every tunnel, by id."""
    rows = connection.execute(select(*_COLUMNS).order_by(TUNNEL.c.id))
    return [_tunnel(row) for row in rows]


def fingerprint(connection: Connection) -> tuple[int, int]:
    """Return what is another whenever a tunnel came, went or changed, but for what the hub
    saw of it: so that ten thousand need not be read to find that nothing is to be done."""
    query = select(func.count(), func.coalesce(func.sum(TUNNEL.c.stamp), 0))
    count, stamps = connection.execute(query.select_from(TUNNEL)).one()
    return int(count), int(stamps)


def of_host(connection: Connection, host_id: int) -> Tunnel | None:
    """Return the host's tunnel, or None."""
    query = select(*_COLUMNS).where(TUNNEL.c.host_id == host_id)
    row = connection.execute(query).first()
    return None if row is None else _tunnel(row)


def create(
    connection: Connection, *, host_id: int, overlay: str, now: datetime
) -> Tunnel:
    """Return the host's tunnel, made with an address of its own if it has none.

    :raises OverlayFull: the overlay has no address left.
    """
    known = of_host(connection, host_id)
    if known is not None:
        return known
    highest = connection.execute(select(func.max(TUNNEL.c.id))).scalar() or 0
    for index in range(highest + 1, highest + 1 + _TRIES):
        try:
            with connection.begin_nested():
                connection.execute(
                    TUNNEL.insert().values(
                        uuid=str(uuid4()),
                        host_id=host_id,
                        address=address(overlay, index),
                        stamp=_stamp(),
                        created_at=now,
                    )
                )
        except IntegrityError:
            # Somebody took the address, or gave this host a tunnel, a moment ago.
            known = of_host(connection, host_id)
            if known is not None:
                return known
            continue
        break
    made = of_host(connection, host_id)
    assert made is not None, "twenty addresses in a row were taken in one moment"
    return made


def check_free(connection: Connection, tunnel: Tunnel, key: str) -> None:
    """Return if no other tunnel, and not the hub, has this key.

    :raises TunnelKeyTaken: one has.
    """
    columns = (TUNNEL.c.public_key, TUNNEL.c.next_key, TUNNEL.c.claim_key)
    query = select(TUNNEL.c.id).where(
        TUNNEL.c.id != tunnel.id, or_(*(column == key for column in columns))
    )
    if (
        connection.execute(query).first() is not None
        or hub_public_key(connection) == key
    ):
        raise TunnelKeyTaken()


def change(connection: Connection, tunnel: Tunnel, **values: Any) -> Tunnel:
    """Write `values` (keys and their times) and return the tunnel as it is now."""
    is_it = TUNNEL.c.id == tunnel.id
    changed = {**values, "stamp": _stamp()}
    connection.execute(update(TUNNEL).where(is_it).values(**changed))
    row = connection.execute(select(*_COLUMNS).where(is_it)).one()
    return _tunnel(row)


def remove(connection: Connection, tunnel: Tunnel) -> None:
    """Delete the tunnel; its keys die with the next look of the reconciler."""
    connection.execute(delete(TUNNEL).where(TUNNEL.c.id == tunnel.id))


def _new(name: str) -> BindParameter[Any]:
    return bindparam(f"new_{name}", type_=TUNNEL.c[name].type)


_SEEN = (
    update(TUNNEL)
    .where(
        TUNNEL.c.id == bindparam("tunnel_id"),
        or_(
            TUNNEL.c.handshake_at.is_(None),
            TUNNEL.c.handshake_at < _new("handshake_at"),
        ),
    )
    .values(
        {
            name: _new(name)
            for name in (
                *("endpoint", "handshake_at", "received_bytes", "sent_bytes"),
                "controller",
            )
        }
    )
)


def put_seen(
    connection: Connection, seen: Mapping[int, SeenPeer], *, controller: str
) -> None:
    """Write what the hub of `controller` saw, by tunnel id; where another hub has heard
    the host later, that stands."""
    rows: Iterable[dict[str, Any]] = [
        {
            "tunnel_id": tunnel_id,
            "new_endpoint": peer.endpoint,
            "new_handshake_at": peer.handshake_at,
            "new_received_bytes": peer.received_bytes,
            "new_sent_bytes": peer.sent_bytes,
            "new_controller": controller,
        }
        for tunnel_id, peer in seen.items()
    ]
    if rows:
        connection.execute(_SEEN, list(rows))


def ensure_hub(connection: Connection, *, box: SecretBox, now: datetime) -> str:
    """Return the hub's public key, made with the first tunnel."""
    known = hub_public_key(connection)
    if known is not None:
        return known
    private_key, public_key = make_wireguard_key()
    return keep_hub(
        connection, private_key=private_key, public_key=public_key, box=box, now=now
    )


def an_endpoint_of_each_emn(connection: Connection) -> dict[int, str]:
    """Return, for each EMN with a tunnel that was heard, the address without its port
    from where one of them was."""
    rows = connection.execute(
        select(HOST.c.emn_id, func.min(TUNNEL.c.endpoint))
        .join_from(TUNNEL, HOST, TUNNEL.c.host_id == HOST.c.id)
        .where(TUNNEL.c.endpoint.is_not(None), HOST.c.emn_id.is_not(None))
        .group_by(HOST.c.emn_id)
    )
    return {key: end.rpartition(":")[0].strip("[]") for key, end in rows}


def path_mtus(connection: Connection, *, below: int) -> list[tuple[str, int, bool]]:
    """Return each tunnel whose host says that its packets to us are to be smaller than
    `below` bytes: its address, how small, and whether that is inside a VXLAN."""
    query = (
        select(TUNNEL.c.address, HEARTBEAT.c.path_mtu, EMN.c.attachment)
        .join_from(TUNNEL, HEARTBEAT, TUNNEL.c.host_id == HEARTBEAT.c.host_id)
        .join(HOST, TUNNEL.c.host_id == HOST.c.id)
        .join(EMN, HOST.c.emn_id == EMN.c.id)
        .where(HEARTBEAT.c.path_mtu < below)
    )
    return [
        (address, int(mtu), attachment in WITH_VXLAN)
        for address, mtu, attachment in connection.execute(query)
    ]


def heard_elsewhere(
    connection: Connection,
    host_uuids: Collection[str],
    *,
    controller: str,
    since: datetime,
) -> dict[str, str]:
    """Return, by uuid, which other controller's hub has heard which of the hosts since
    then."""
    rows = connection.execute(
        select(HOST.c.uuid, TUNNEL.c.controller)
        .join_from(TUNNEL, HOST, TUNNEL.c.host_id == HOST.c.id)
        .where(
            HOST.c.uuid.in_(host_uuids),
            TUNNEL.c.controller != controller,
            TUNNEL.c.handshake_at >= since,
        )
    )
    return {row[0]: row[1] for row in rows}


def hub_public_key(connection: Connection) -> str | None:
    """Return the hub's public key; None before the first tunnel."""
    row = connection.execute(select(HUB.c.public_key).where(HUB.c.id == _HUB)).first()
    return None if row is None else str(row.public_key)


def hub_private_key(connection: Connection, *, box: SecretBox) -> str | None:
    """Return the hub's private key, opened; None before the first tunnel.

    :raises SecretUnreadable: it was sealed with another key.
    """
    found = connection.execute(
        select(HUB.c.private_key_sealed).where(HUB.c.id == _HUB)
    ).first()
    return None if found is None else box.open(found.private_key_sealed)


def keep_hub(
    connection: Connection,
    *,
    private_key: str,
    public_key: str,
    box: SecretBox,
    now: datetime,
) -> str:
    """Store the hub's key unless there is one; return the public key that holds."""
    try:
        with connection.begin_nested():
            connection.execute(
                HUB.insert().values(
                    id=_HUB,
                    private_key_sealed=box.seal(private_key),
                    public_key=public_key,
                    created_at=now,
                )
            )
    except IntegrityError:
        kept = hub_public_key(connection)
        assert kept is not None
        return kept
    return public_key
