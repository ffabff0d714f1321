# SPDX-License-Identifier: Apache-2.0
"""Counts of what there is: one statement each, whose cost is the database's own."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from hummingbird.db.model import ALARM, HEARTBEAT, HOST, RUN, TUNNEL
from hummingbird.db.repository import heartbeat
from hummingbird.domain.heartbeat import Heartbeat

_WORDS = tuple(Heartbeat.__dataclass_fields__)


def hosts_by_state(connection: Connection) -> dict[str, int]:
    """Return how many hosts are in each state."""
    query = select(HOST.c.state, func.count()).group_by(HOST.c.state)
    return {state: int(count) for state, count in connection.execute(query)}


def runs_by_state(connection: Connection) -> dict[tuple[str, str], int]:
    """Return how many runs there are of each kind, in each state."""
    query = select(RUN.c.kind, RUN.c.state, func.count()).group_by(
        RUN.c.kind, RUN.c.state
    )
    return {(kind, state): int(n) for kind, state, n in connection.execute(query)}


def alarms_by_severity(connection: Connection) -> dict[str, int]:
    """Return how many alarms of each severity stand."""
    query = select(ALARM.c.severity, func.count()).group_by(ALARM.c.severity)
    return {severity: int(count) for severity, count in connection.execute(query)}


def beats(connection: Connection) -> int:
    """Return how many heartbeats were heard of the hosts that there are."""
    return int(
        connection.execute(
            select(func.coalesce(func.sum(HEARTBEAT.c.beats), 0))
        ).scalar()
        or 0
    )


def last_heard(connection: Connection, *, most: int) -> list[tuple[str, Heartbeat]]:
    """Return the last word of each host; of `most` at most, by id."""
    query = (
        select(HOST.c.hostname, *heartbeat.COLUMNS)
        .join(HEARTBEAT, HEARTBEAT.c.host_id == HOST.c.id)
        .order_by(HOST.c.id)
        .limit(most)
    )
    return [
        (row.hostname, Heartbeat(**{n: row._mapping[n] for n in _WORDS}))
        for row in connection.execute(query)
    ]


def tunnels(
    connection: Connection, *, most: int
) -> list[tuple[str, datetime | None, int, int]]:
    """Return each tunnel's host, last handshake, bytes received and sent; of `most` at
    most, by id."""
    query = (
        select(
            HOST.c.hostname,
            TUNNEL.c.handshake_at,
            TUNNEL.c.received_bytes,
            TUNNEL.c.sent_bytes,
        )
        .join(HOST, HOST.c.id == TUNNEL.c.host_id)
        .order_by(TUNNEL.c.id)
        .limit(most)
    )
    return [
        (name, at, int(received), int(sent))
        for name, at, received, sent in connection.execute(query)
    ]
