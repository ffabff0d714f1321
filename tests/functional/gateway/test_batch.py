# SPDX-License-Identifier: Apache-2.0
"""One entry that the database refuses holds up no other, on both databases."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hummingbird.db.model import HEARTBEAT
from hummingbird.db.repository import hearing, heartbeat, host
from hummingbird.db.repository import heartbeat as heartbeats
from hummingbird.domain.heartbeat import AgentSession, Heartbeat
from hummingbird.gateway.ledger import Heard
from tests.fakes.gateway_field import Field, Place
from tests.functional.gateway.conftest import Site

FLEET = 40


def fleet(site: Site) -> list[AgentSession]:
    """Return the sessions of some more hosts."""
    found = []
    with site.database.writer() as connection:
        for index in range(2, FLEET + 2):
            made = host.create(
                connection,
                hostname=f"edge-{index}",
                mgmt_mac=f"02:00:00:00:01:{index:02x}",
                mgmt_ip=None,
                emn_id=None,
                credential_id=None,
                serialid=None,
                location={},
                capabilities={},
                attributes={},
                now=site.clock.now(),
            )
            row = heartbeat.open_session(
                connection,
                host_id=made.id,
                agent="mtc-client",
                node_uid="n",
                pod_uid="p",
                nonce=f"{index:032x}",
                expires_at=site.clock.now(),
            )
            found.append(row)
        return heartbeat.find_sessions(connection, found)


def heard(session: AgentSession, **wrong: Any) -> Heard:
    beat = Heartbeat(
        host_id=session.host_id,
        last_heard_at=datetime(2026, 1, 1, tzinfo=UTC),
        period_seconds=10.0,
        boot_id="b",
        uptime_seconds=1,
        beats=1,
        heard_seconds=0.0,
    )
    of_beat = {key: value for key, value in wrong.items() if key != "sequence"}
    return Heard(
        number=session.id,
        row=session.id,
        nonce=session.nonce,
        host_id=session.host_id,
        sequence=wrong.get("sequence", 1),
        beat=replace(beat, **of_beat),
    )


def place(site: Site) -> Place:
    return Field(site.database, [], names=("one",)).places[0]


def written(site: Site) -> set[int]:
    with site.database.reader() as connection:
        return set(heartbeats.list_all(connection))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sequence": 2**63},
        {"sequence": 2**64 - 1},
        {"uptime_seconds": 2**63},
        {"beats": 2**70},
        {"last_heard_at": datetime(2026, 1, 1)},
        {"boot_id": None},
        {"boot_id": {}},
    ],
    ids=str,
)
def test_what_the_database_refuses_is_dropped_alone(
    either_site: Site, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    site = either_site
    sessions = fleet(site)
    one = place(site)
    for round_ in range(3):
        caplog.clear()
        with site.database.writer() as connection:
            connection.execute(HEARTBEAT.delete())
        for index, session in enumerate(sessions):
            bad = {**wrong} if index in (7, 31) else {}
            one.ledger.hear(heard(session, **({"sequence": round_ + 1} | bad)))
        assert one.flush.write()
        good = {s.host_id for index, s in enumerate(sessions) if index not in (7, 31)}
        assert written(site) >= good
        assert len(one.ledger) == 0
        with site.database.reader() as connection:
            said = hearing.read(connection)
        assert said.through is not None and said.through == said.clock
        # The kinds of fault are told once; what was dropped is counted.
        told = [r for r in caplog.records if r.levelno >= logging.WARNING]
        told = [r for r in told if r.name.startswith("hummingbird")]
        assert len(told) <= (2 if round_ == 0 else 0), [r.message for r in told]
        assert all(len(r.message) < 500 for r in told)
    health = one.flush.health()
    assert health.is_writing and health.failing_seconds == 0
    assert health.dropped >= len(written(site) ^ {s.host_id for s in sessions})


def test_a_fault_that_is_not_of_the_values_drops_nothing(either_site: Site) -> None:
    site = either_site
    sessions = fleet(site)
    field = Field(site.database, [], names=("one",))
    one = field.places[0]
    rename(site, "heartbeat", to="elsewhere")
    for session in sessions:
        one.ledger.hear(heard(session))
    assert not one.flush.write()
    assert len(one.ledger) == len(sessions)
    field.clock.advance(6.0)
    assert not one.flush.write()
    health = one.flush.health()
    assert not health.is_writing
    assert (health.failing_seconds, health.waiting) == (6.0, len(sessions))
    assert health.dropped == 0
    rename(site, "elsewhere", to="heartbeat")
    assert one.flush.write()
    assert written(site) == {session.host_id for session in sessions}
    assert one.flush.health().is_writing


def test_a_gateway_whose_batches_fail_ends_without_a_word_too_many(
    either_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site = either_site
    (session, *_) = fleet(site)
    one = place(site)
    rename(site, "heartbeat", to="elsewhere")
    one.ledger.hear(heard(session))
    one.flush.stop()
    rename(site, "elsewhere", to="heartbeat")
    assert not any(record.exc_info for record in caplog.records)
    assert "could not be written" in caplog.text


def test_the_end_of_a_session_is_learnt_from_what_is_written(either_site: Site) -> None:
    """Its agent was given another one, or its host is gone."""
    site = either_site
    host_id = site.hosts["edge-0"]
    field = Field(site.database, [host_id], names=("one",))
    for _ in range(8):
        field.tick()
    (live,) = field.places[0].sessions.all()
    with site.database.writer() as connection:
        heartbeat.end_sessions(connection, host_id=host_id)
    for _ in range(100):
        field.tick()
    (again,) = field.places[0].sessions.all()
    assert again.number != live.number


def test_beats_are_counted_to_what_the_table_holds(either_site: Site) -> None:
    site = either_site
    (session, *_) = fleet(site)
    one = place(site)
    for sequence in (1, 2, 3):
        one.ledger.hear(heard(session, beats=2**30, sequence=sequence))
        assert one.flush.write()
    with site.database.reader() as connection:
        word = heartbeat.of_host(connection, session.host_id)
    assert word is not None and word.beats == heartbeat.BEATS_MOST


def rename(site: Site, name: str, *, to: str) -> None:
    with site.database.writer() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {to}")
