# SPDX-License-Identifier: Apache-2.0
"""Last-heard times and agents' sessions, written by the gateway in batches."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from hummingbird.db.model import AGENT_SESSION, HEARTBEAT, HOST
from hummingbird.domain.heartbeat import AgentSession, Heartbeat

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""


def put(connection: Connection, beats: Iterable[Heartbeat]) -> None:
    """Write the batch; a host that was deleted meanwhile is left out.

    `beats` of each is how many were heard since the last batch: the row keeps the sum.
    Of two gateways that hear one host the later word stands, whoever writes first.
    """
    for beat in beats:
        values: dict[str, Any] = {
            "last_heard_at": beat.last_heard_at,
            "period_seconds": beat.period_seconds,
            "boot_id": beat.boot_id,
            "uptime_seconds": beat.uptime_seconds,
        }
        of_host = HEARTBEAT.c.host_id == beat.host_id
        counted = connection.execute(
            update(HEARTBEAT)
            .where(of_host)
            .values(beats=HEARTBEAT.c.beats + beat.beats)
        )
        if counted.rowcount == 1:
            connection.execute(
                update(HEARTBEAT)
                .where(of_host, HEARTBEAT.c.last_heard_at < beat.last_heard_at)
                .values(**values)
            )
            continue
        known = select(HOST.c.id).where(HOST.c.id == beat.host_id)
        if connection.execute(known).first() is not None:
            connection.execute(
                HEARTBEAT.insert().values(
                    host_id=beat.host_id, beats=beat.beats, **values
                )
            )


def list_all(connection: Connection) -> dict[int, Heartbeat]:
    """Return the last word of every host, by host id."""
    return {
        row.host_id: Heartbeat(**row._mapping)
        for row in connection.execute(select(HEARTBEAT))
    }


def of_host(connection: Connection, host_id: int) -> Heartbeat | None:
    """Return the last word of one host, or None if it was never heard."""
    row = connection.execute(
        select(HEARTBEAT).where(HEARTBEAT.c.host_id == host_id)
    ).first()
    return None if row is None else Heartbeat(**row._mapping)


def open_session(
    connection: Connection,
    *,
    host_id: int,
    agent: str,
    node_uid: str,
    pod_uid: str,
    expires_at: datetime,
) -> int:
    """Store a new session and end that agent's former ones; return its id."""
    connection.execute(
        delete(AGENT_SESSION).where(
            AGENT_SESSION.c.host_id == host_id, AGENT_SESSION.c.agent == agent
        )
    )
    result = connection.execute(
        AGENT_SESSION.insert().values(
            host_id=host_id,
            agent=agent,
            node_uid=node_uid,
            pod_uid=pod_uid,
            expires_at=expires_at,
            last_sequence=0,
        )
    )
    inserted = result.inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def find_session(connection: Connection, session_id: int) -> AgentSession | None:
    """Return the session, or None if it ended or its host is gone."""
    row = connection.execute(
        select(AGENT_SESSION, HOST.c.hostname)
        .join(HOST, HOST.c.id == AGENT_SESSION.c.host_id)
        .where(AGENT_SESSION.c.id == session_id)
    ).first()
    return None if row is None else AgentSession(**row._mapping)


def find_sessions(
    connection: Connection, session_ids: Iterable[int]
) -> list[AgentSession]:
    """Return those of the sessions that have not ended."""
    wanted = list(session_ids)
    found: list[AgentSession] = []
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(AGENT_SESSION, HOST.c.hostname)
            .join(HOST, HOST.c.id == AGENT_SESSION.c.host_id)
            .where(AGENT_SESSION.c.id.in_(wanted[start : start + CHUNK]))
        )
        found += [AgentSession(**row._mapping) for row in connection.execute(query)]
    return found


def note_sequences(connection: Connection, highest: Mapping[int, int]) -> None:
    """Write session id -> highest datagram number accepted, so that another gateway,
    or this one after a restart, refuses replays of them. Never lowers one."""
    for session_id, sequence in highest.items():
        connection.execute(
            update(AGENT_SESSION)
            .where(
                AGENT_SESSION.c.id == session_id,
                AGENT_SESSION.c.last_sequence < sequence,
            )
            .values(last_sequence=sequence)
        )


def end_expired(connection: Connection, *, now: datetime) -> None:
    """End the sessions whose time is over."""
    connection.execute(delete(AGENT_SESSION).where(AGENT_SESSION.c.expires_at <= now))


def end_sessions(connection: Connection, *, host_id: int) -> None:
    """End every session of a host: its agents must show their tokens again."""
    connection.execute(delete(AGENT_SESSION).where(AGENT_SESSION.c.host_id == host_id))
