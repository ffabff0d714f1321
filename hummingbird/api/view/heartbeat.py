# SPDX-License-Identifier: Apache-2.0
"""What was last heard of a host, as clients see it."""

from datetime import datetime
from typing import Any

from hummingbird.api.contract.shape import (
    DECIMAL,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
    words,
)
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.liveness import Liveness, judge


def heartbeat_view(
    host: Host, beat: Heartbeat | None, *, now: datetime
) -> dict[str, Any]:
    """Return the view of one host's heartbeat.

    Its liveness is what the silence means by itself; alarms and recovery go by the
    verdict, which also asks whether we were able to hear.
    """
    if beat is None:
        return {
            "hostname": host.hostname,
            "host_uuid": host.uuid,
            "last_heard_at": None,
            "age_seconds": None,
            "period_seconds": None,
            "liveness": Liveness.UNKNOWN.value,
            "boot_id": None,
            "uptime": None,
            "beats": 0,
            **path_view(None),
        }
    age = max(0.0, (now - beat.last_heard_at).total_seconds())
    return {
        "hostname": host.hostname,
        "host_uuid": host.uuid,
        "last_heard_at": beat.last_heard_at.isoformat(),
        "age_seconds": round(age, 1),
        "period_seconds": beat.period_seconds,
        "liveness": judge(age, period_seconds=beat.period_seconds).value,
        "boot_id": beat.boot_id,
        "uptime": beat.uptime_seconds,
        "beats": beat.beats,
        **path_view(beat),
    }


def path_view(beat: Heartbeat | None) -> dict[str, Any]:
    """Return what a host has measured of its path to us: milliseconds, the percentage of
    its datagrams that were lost there or back, bytes."""
    rtt = None if beat is None else beat.rtt_seconds
    loss = None if beat is None else beat.loss
    return {
        "rtt_ms": None if rtt is None else round(rtt * 1000, 2),
        "loss_percent": None if loss is None else round(loss * 100, 1),
        "mtu": None if beat is None else beat.path_mtu,
    }


PATH = {"rtt_ms": maybe(DECIMAL), "loss_percent": maybe(DECIMAL), "mtu": maybe(NUMBER)}
HEARTBEAT = Thing(
    "Heartbeat",
    {
        "hostname": TEXT,
        "host_uuid": UUID,
        "last_heard_at": maybe(TIME),
        "age_seconds": maybe(DECIMAL),
        "period_seconds": maybe(DECIMAL),
        "liveness": words(*Liveness),
        "boot_id": maybe(TEXT),
        "uptime": maybe(NUMBER),
        "beats": NUMBER,
        **PATH,
    },
)
