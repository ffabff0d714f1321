# SPDX-License-Identifier: Apache-2.0
"""Last-heard times and agents' sessions, written by the gateway in batches."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    select,
    update,
)

from hummingbird.db.model import AGENT_SESSION, HEARTBEAT, HOST
from hummingbird.domain.heartbeat import AgentSession, Heartbeat
from hummingbird.domain.liveness import Allowance, due_at

BEATS_MOST: Final = 2**31 - 1
"""What the column holds everywhere; a host that beats each second is there in 68 years."""
CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""


COLUMNS = tuple(HEARTBEAT.c[name] for name in Heartbeat.__dataclass_fields__)


def heard(row: Row[Any]) -> Heartbeat:
    """Return what a row of COLUMNS says."""
    return Heartbeat(**row._mapping)


def put(connection: Connection, beats: Iterable[Heartbeat]) -> None:
    """Write the batch; a host that was deleted meanwhile is left out.

    `beats` of each is how many were heard since the last batch: the row keeps the sum.
    Of two gateways that hear one host the later word stands, whoever writes first: later
    on the listening clock, where both have it.
    """
    # In one order, so that two gateways never wait for each other.
    batch = sorted(beats, key=lambda beat: beat.host_id)
    for start in range(0, len(batch), CHUNK):
        _put(connection, batch[start : start + CHUNK])


def _put(connection: Connection, batch: list[Heartbeat]) -> None:
    known = _known(connection, [beat.host_id for beat in batch])
    again = [beat for beat in batch if beat.host_id in known]
    later: list[dict[str, Any]] = []
    former: list[dict[str, Any]] = []
    for beat in again:
        before = known[beat.host_id]
        counted = min(before.beats + beat.beats, BEATS_MOST)
        row = _row(replace(beat, beats=counted))
        (later if _is_later(beat, than=before) else former).append(row)
    if later:
        connection.execute(_HEARD_LATER, later)
    if former:
        connection.execute(_HEARD_BEFORE, former)
    first = [beat for beat in batch if beat.host_id not in known]
    if first:
        query = select(HOST.c.id).where(HOST.c.id.in_([b.host_id for b in first]))
        there = set(connection.execute(query).scalars())
        new = [beat for beat in first if beat.host_id in there]
        if new:
            connection.execute(_HEARD_FIRST, [_row(beat) for beat in new])


class _Before(NamedTuple):
    """What is known of a host's last word."""

    host_id: int
    heard_seconds: float | None
    last_heard_at: datetime
    beats: int


_BEFORE = tuple(HEARTBEAT.c[name] for name in _Before._fields)


def _known(connection: Connection, host_ids: list[int]) -> dict[int, _Before]:
    """Return when these were heard last, and let nobody else change it until the end."""
    query = (
        select(*_BEFORE)
        .where(HEARTBEAT.c.host_id.in_(host_ids))
        .order_by(HEARTBEAT.c.host_id)
        .with_for_update()
    )
    return {row[0]: _Before(*row) for row in connection.execute(query)}


def _is_later(beat: Heartbeat, *, than: _Before) -> bool:
    if beat.heard_seconds is None:
        return beat.last_heard_at > than.last_heard_at
    return than.heard_seconds is None or beat.heard_seconds > than.heard_seconds


def _row(beat: Heartbeat) -> dict[str, Any]:
    return {
        "of_host": beat.host_id,
        "new_last_heard_at": beat.last_heard_at,
        "new_period_seconds": beat.period_seconds,
        "new_boot_id": beat.boot_id,
        "new_uptime_seconds": beat.uptime_seconds,
        "new_beats": beat.beats,
        "new_rtt_seconds": beat.rtt_seconds,
        "new_sent": beat.sent,
        "new_lost": beat.lost,
        "new_path_mtu": beat.path_mtu,
        "new_due_at": due_at(beat.last_heard_at, period_seconds=beat.period_seconds),
        "new_heard_seconds": beat.heard_seconds,
        "new_due_seconds": _due(beat),
        "new_gateway": beat.gateway,
    }


def _due(beat: Heartbeat) -> float | None:
    if beat.heard_seconds is None:
        return None
    return beat.heard_seconds + Allowance.of(beat.period_seconds).late_seconds


_WORD = (
    HEARTBEAT.c.last_heard_at,
    HEARTBEAT.c.period_seconds,
    HEARTBEAT.c.boot_id,
    HEARTBEAT.c.uptime_seconds,
    HEARTBEAT.c.due_at,
    HEARTBEAT.c.heard_seconds,
    HEARTBEAT.c.due_seconds,
    HEARTBEAT.c.gateway,
)
"""What the latest word of a host says."""
_PATH = (
    HEARTBEAT.c.rtt_seconds,
    HEARTBEAT.c.sent,
    HEARTBEAT.c.lost,
    HEARTBEAT.c.path_mtu,
)
"""What it may say; else what it said before stands."""


def _new(column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"new_{column.name}", type_=column.type)


_HEARD_LATER = (
    update(HEARTBEAT)
    .where(HEARTBEAT.c.host_id == bindparam("of_host"))
    .values(
        {
            **{one: _new(one) for one in (*_WORD, HEARTBEAT.c.beats)},
            **{one: func.coalesce(_new(one), one) for one in _PATH},
        }
    )
)
_HEARD_BEFORE = (
    update(HEARTBEAT)
    .where(HEARTBEAT.c.host_id == bindparam("of_host"))
    .values({HEARTBEAT.c.beats: _new(HEARTBEAT.c.beats)})
)
_HEARD_FIRST = HEARTBEAT.insert().values(
    {
        HEARTBEAT.c.host_id: bindparam("of_host"),
        **{one: _new(one) for one in (*_WORD, *_PATH, HEARTBEAT.c.beats)},
    }
)
"""Made once: building a statement takes longer than running it for one row."""


def list_all(connection: Connection) -> dict[int, Heartbeat]:
    """Return the last word of every host, by host id."""
    return {
        row.host_id: heard(row) for row in connection.execute(select(*COLUMNS)).all()
    }


def of_host(connection: Connection, host_id: int) -> Heartbeat | None:
    """Return the last word of one host, or None if it was never heard."""
    row = connection.execute(
        select(*COLUMNS).where(HEARTBEAT.c.host_id == host_id)
    ).first()
    return None if row is None else heard(row)


def of_hosts(connection: Connection, host_ids: Iterable[int]) -> dict[int, Heartbeat]:
    """Return the last word of those of the hosts that were ever heard, by host id."""
    wanted = list(host_ids)
    found: dict[int, Heartbeat] = {}
    for start in range(0, len(wanted), CHUNK):
        some = HEARTBEAT.c.host_id.in_(wanted[start : start + CHUNK])
        for row in connection.execute(select(*COLUMNS).where(some)).all():
            found[row.host_id] = heard(row)
    return found


def open_session(
    connection: Connection,
    *,
    host_id: int,
    agent: str,
    node_uid: str,
    pod_uid: str,
    expires_at: datetime,
    nonce: str | None = None,
    gateway: str | None = None,
) -> int:
    """Store a new session and end that agent's former ones; return its id.

    :param gateway: which gives it: that one the host is going to be heard by.
    """
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
            nonce=nonce,
        )
    )
    if gateway is not None:
        connection.execute(
            update(HEARTBEAT)
            .where(HEARTBEAT.c.host_id == host_id)
            .values(gateway=gateway)
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


def is_asking(connection: Connection, host_id: int, *, agent: str) -> bool:
    """Return whether nothing was heard in the last session that this agent of a host got:
    it reaches a gateway by TCP, and its datagrams don't arrive."""
    query = (
        select(AGENT_SESSION.c.last_sequence)
        .where(AGENT_SESSION.c.host_id == host_id, AGENT_SESSION.c.agent == agent)
        .order_by(AGENT_SESSION.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() == 0


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


def lock_sequences(
    connection: Connection, session_ids: Iterable[int]
) -> dict[int, tuple[str | None, int]]:
    """Return session id -> its nonce and the highest datagram number accepted by any
    gateway, of those that have not ended; until the end of the transaction nobody else
    accepts more."""
    # In one order, so that two gateways never wait for each other.
    wanted = sorted(session_ids)
    found: dict[int, tuple[str | None, int]] = {}
    columns = AGENT_SESSION.c.id, AGENT_SESSION.c.nonce, AGENT_SESSION.c.last_sequence
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(*columns)
            .where(AGENT_SESSION.c.id.in_(wanted[start : start + CHUNK]))
            .order_by(AGENT_SESSION.c.id)
            .with_for_update()
        )
        found |= {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    return found


def note_sequences(connection: Connection, highest: Mapping[int, int]) -> None:
    """Write session id -> highest datagram number accepted, so that another gateway,
    or this one after a restart, refuses replays of them. Never lowers one."""
    if highest:
        rows = [{"of": of, "sequence": highest[of]} for of in sorted(highest)]
        connection.execute(_NOTE_SEQUENCE, rows)


_NOTE_SEQUENCE = (
    update(AGENT_SESSION)
    .where(
        AGENT_SESSION.c.id == bindparam("of"),
        AGENT_SESSION.c.last_sequence < bindparam("sequence"),
    )
    .values(last_sequence=bindparam("sequence"))
)


def end_expired(connection: Connection, *, now: datetime) -> None:
    """End the sessions whose time is over."""
    connection.execute(delete(AGENT_SESSION).where(AGENT_SESSION.c.expires_at <= now))


def end_sessions(connection: Connection, *, host_id: int) -> None:
    """End every session of a host: its agents must show their tokens again."""
    connection.execute(delete(AGENT_SESSION).where(AGENT_SESSION.c.host_id == host_id))
