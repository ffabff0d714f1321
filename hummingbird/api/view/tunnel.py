# SPDX-License-Identifier: Apache-2.0
"""Tunnels as clients see them: public halves of keys, and never another."""

from datetime import datetime
from typing import Any

from hummingbird.api.contract.shape import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    many,
    maybe,
    words,
)
from hummingbird.api.view.heartbeat import PATH, path_view
from hummingbird.domain.endpoint import nearest_endpoints
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.tunnel import HubOptions, Tunnel, TunnelState, state


def tunnel_view(
    tunnel: Tunnel,
    host: Host,
    *,
    now: datetime,
    hub_key: str | None,
    options: HubOptions,
    beat: Heartbeat | None,
) -> dict[str, Any]:
    """Return the view of a host's tunnel; ages in seconds.

    :param beat: the host's last word, which says how its path is.
    """
    found = state(tunnel, now=now)
    endpoints = nearest_endpoints(options.endpoints, address=host.outside)
    is_claimed = tunnel.claim_until is not None and tunnel.claim_until > now
    return {
        "id": tunnel.id,
        "uuid": tunnel.uuid,
        "hostname": host.hostname,
        "host_uuid": host.uuid,
        "state": found.value,
        "is_up": found is TunnelState.UP,
        "address": tunnel.address,
        "endpoint": tunnel.endpoint,
        "handshake_at": _time(tunnel.handshake_at),
        "handshake_age": _age(tunnel.handshake_at, now=now),
        "received_bytes": tunnel.received_bytes,
        "sent_bytes": tunnel.sent_bytes,
        **path_view(beat),
        "public_key": tunnel.public_key,
        "key_since": _time(tunnel.rotated_at),
        "key_age": _age(tunnel.rotated_at, now=now),
        "next_key": tunnel.next_key,
        "claim_until": _time(tunnel.claim_until) if is_claimed else None,
        "keepalive": tunnel.keepalive_seconds,
        "controller": tunnel.controller,
        "hub_endpoint": next(iter(endpoints), None),
        "hub_public_key": hub_key,
        "networks": [options.overlay, *options.networks],
        "created_at": tunnel.created_at.isoformat(),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _age(at: datetime | None, *, now: datetime) -> int | None:
    return None if at is None else max(0, int((now - at).total_seconds()))


TUNNEL = Thing(
    "Tunnel",
    {
        "id": NUMBER,
        "uuid": UUID,
        "hostname": TEXT,
        "host_uuid": UUID,
        "state": words(*TunnelState),
        "is_up": FLAG,
        "address": TEXT,
        "endpoint": maybe(TEXT),
        "handshake_at": maybe(TIME),
        "handshake_age": maybe(NUMBER),
        "received_bytes": NUMBER,
        "sent_bytes": NUMBER,
        **PATH,
        "public_key": maybe(TEXT),
        "key_since": maybe(TIME),
        "key_age": maybe(NUMBER),
        "next_key": maybe(TEXT),
        "claim_until": maybe(TIME),
        "keepalive": NUMBER,
        "controller": maybe(TEXT),
        "hub_endpoint": maybe(TEXT),
        "hub_public_key": maybe(TEXT),
        "networks": many(TEXT),
        "created_at": TIME,
    },
)
CLAIM = Thing("Claim", {"tunnel": TUNNEL, "script": TEXT})
