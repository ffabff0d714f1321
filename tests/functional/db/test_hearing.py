# SPDX-License-Identifier: Apache-2.0
"""What gateways say of their hearing, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from hummingbird.db.model import PROCESS
from hummingbird.db.repository import hearing, heartbeat, process
from hummingbird.db.session import Database
from hummingbird.domain.hearing import GatewayRecord, Presence
from hummingbird.domain.heartbeat import Heartbeat
from tests.functional.db.test_host import add

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE = GatewayRecord(
    name="c0.gateway.2131",
    incarnation="a",
    clock=10.0,
    listening_since=4.0,
    complete=9.5,
    gone_after=7.0,
)


def test_a_gateway_s_last_word_on_its_hearing_is_read_back(database: Database) -> None:
    with database.writer() as connection:
        assert hearing.shared_clock(connection) == 0.0
        hearing.write(connection, ONE, now=NOW)
        assert hearing.read(connection).gateways == {ONE.name: ONE}
        later = replace(ONE, clock=12.0, complete=12.0)
        hearing.write(connection, later, now=NOW + timedelta(seconds=2))
        assert hearing.read(connection).gateways == {ONE.name: later}
        assert hearing.shared_clock(connection) == 12.0
        (known,) = process.list_all(connection, kind="gateway")
        assert (known.started_at, known.beat_at) == (NOW, NOW + timedelta(seconds=2))


def test_a_break_in_its_listening_is_a_start_to_those_who_know_no_other(
    database: Database,
) -> None:
    with database.writer() as connection:
        hearing.write(connection, ONE, now=NOW)
        back = replace(ONE, clock=90.0, complete=90.0, listening_since=90.0)
        later = NOW + timedelta(seconds=80)
        hearing.write(connection, back, now=later)
        (known,) = process.list_all(connection, kind="gateway")
        assert known.started_at == later


def test_a_new_process_takes_the_place_of_the_former_one_of_its_name(
    database: Database,
) -> None:
    with database.writer() as connection:
        hearing.write(connection, ONE, now=NOW)
        again = replace(ONE, incarnation="b", clock=11.0)
        hearing.write(connection, again, now=NOW)
        assert hearing.read(connection).gateways == {ONE.name: again}


def test_who_said_farewell_is_no_process_and_is_remembered(database: Database) -> None:
    with database.writer() as connection:
        hearing.write(connection, replace(ONE, farewell=True), now=NOW)
        assert process.list_all(connection, kind="gateway") == []
        said = hearing.read(connection)
        assert said.presence == {ONE.name: Presence.ENDED}
        assert hearing.shared_clock(connection) == 10.0
        far = replace(ONE, name="c1.gateway.2131", clock=10.0 + hearing.KEPT_SECONDS)
        hearing.write(connection, far, now=NOW)
        assert set(hearing.read(connection).gateways) == {ONE.name, far.name}
        later = replace(far, name="c2.gateway.2131", clock=11.0 + hearing.KEPT_SECONDS)
        hearing.write(connection, later, now=NOW)
        assert set(hearing.read(connection).gateways) == {far.name, later.name}


def test_the_clock_goes_on_where_somebody_deleted_the_rows(database: Database) -> None:
    host = add(database, 0)
    with database.writer() as connection:
        heartbeat.put(connection, [word(host.id, heard=500.0)])
        connection.execute(delete(PROCESS))
        assert hearing.shared_clock(connection) == 520.0


def test_of_two_words_the_later_on_the_listening_clock_stands(
    database: Database,
) -> None:
    host = add(database, 0)
    with database.writer() as connection:
        first = word(host.id, heard=500.0)
        heartbeat.put(connection, [first])
        # The wall clock of the other gateway is a year behind.
        behind = replace(
            word(host.id, heard=501.0),
            last_heard_at=NOW - timedelta(days=365),
            gateway="c1",
        )
        heartbeat.put(connection, [behind])
        assert heartbeat.of_host(connection, host.id) == replace(behind, beats=2)
        heartbeat.put(connection, [first])
        assert heartbeat.of_host(connection, host.id) == replace(behind, beats=3)


def word(host_id: int, *, heard: float) -> Heartbeat:
    return Heartbeat(
        host_id=host_id,
        last_heard_at=NOW,
        period_seconds=10.0,
        boot_id="b",
        uptime_seconds=1,
        beats=1,
        heard_seconds=heard,
        gateway="c0",
    )
