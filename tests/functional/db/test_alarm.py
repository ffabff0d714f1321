# SPDX-License-Identifier: Apache-2.0
"""Alarms, heartbeats, sessions and processes on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import event_log, process
from hummingbird.db.repository import heartbeat as heartbeats
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Database
from hummingbird.domain import alarm
from hummingbird.domain.alarm import Severity
from hummingbird.domain.heartbeat import Heartbeat

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def host_id(database: Database) -> int:
    with database.writer() as connection:
        return hosts.create(
            connection,
            hostname="edge-1",
            mgmt_mac="02:00:00:00:00:01",
            mgmt_ip=None,
            emn_id=None,
            credential_id=None,
            serialid=None,
            location={},
            capabilities={},
            attributes={},
            now=NOW,
        ).id


def test_an_alarm_is_changed_in_place_and_cleared_by_its_key(
    database: Database,
) -> None:
    later = NOW + timedelta(seconds=10)
    with database.writer() as connection:
        assert alarms.put(
            connection, alarm.heartbeat_lost("edge-1", critical=False), now=NOW
        )
        worse = alarm.heartbeat_lost("edge-1", critical=True)
        assert alarms.put(connection, worse, now=later)
        (stored,) = alarms.list_all(connection)
        assert stored.alarm == worse
        assert (stored.raised_at, stored.updated_at) == (NOW, later)
        assert stored.alarm.severity is Severity.CRITICAL
        key = (worse.alarm_id, worse.entity_instance_id)
        assert alarms.clear(connection, [key], now=later) == 1
        assert alarms.clear(connection, [key], now=later) == 0


def test_the_log_is_read_newest_first_and_filtered(database: Database) -> None:
    lost = alarm.heartbeat_lost("edge-1", critical=True)
    with database.writer() as connection:
        for state in ("set", "clear"):
            event_log.append(connection, alarm.as_event(lost, state=state), now=NOW)
        event_log.append(
            connection,
            alarm.host_log(
                "200.020", "edge-1", instance="event=add", text="has been 'added'"
            ),
            now=NOW,
        )
        latest = event_log.list_latest(connection, limit=10)
        assert [item.event.state for item in latest] == ["log", "clear", "set"]
        only = event_log.list_latest(connection, limit=10, states=("set",))
        assert [item.event.event_log_id for item in only] == ["200.005"]
        none = event_log.list_latest(
            connection, limit=10, equals={"entity_instance_id": "host=edge-2"}
        )
        assert none == []


def test_a_batch_of_beats_leaves_out_hosts_that_are_gone(database: Database) -> None:
    known = host_id(database)

    def beat(of: int, count: int) -> Heartbeat:
        return Heartbeat(
            host_id=of,
            last_heard_at=NOW,
            period_seconds=10.0,
            boot_id="b",
            uptime_seconds=5,
            beats=count,
        )

    with database.writer() as connection:
        heartbeats.put(connection, [beat(known, 1), beat(known + 1, 1)])
        heartbeats.put(connection, [beat(known, 2)])
        assert heartbeats.list_all(connection) == {known: beat(known, 3)}


def test_sessions_end_with_their_host(database: Database) -> None:
    known = host_id(database)
    with database.writer() as connection:
        first, second = (
            heartbeats.open_session(
                connection,
                host_id=known,
                agent="mtc-client",
                node_uid="n",
                pod_uid="p",
                expires_at=NOW,
            )
            for _ in range(2)
        )
        assert heartbeats.find_session(connection, first) is None
        heartbeats.note_sequences(connection, {second: 2**40})
        session = heartbeats.find_session(connection, second)
        assert session is not None
        assert (session.hostname, session.last_sequence) == ("edge-1", 2**40)
    with database.writer() as connection:
        hosts.remove(connection, known)
        assert heartbeats.find_session(connection, second) is None


def test_a_process_whose_place_was_taken_learns_of_it(database: Database) -> None:
    with database.writer() as connection:
        for incarnation in ("one", "two"):
            process.register(
                connection, name="c", kind="conductor", incarnation=incarnation, now=NOW
            )
        assert not process.beat(connection, name="c", incarnation="one", now=NOW)
        assert process.beat(connection, name="c", incarnation="two", now=NOW)
        process.unregister(connection, name="c", incarnation="one")
        assert len(process.list_all(connection, kind="conductor")) == 1


def test_who_raises_what_stands_already_has_nothing_to_log(database: Database) -> None:
    """A second observer, which looked before the first one wrote."""
    lost = alarm.heartbeat_lost("edge-1", critical=True)
    late = alarm.heartbeat_lost("edge-1", critical=False)
    with database.writer() as connection:
        assert alarms.put(connection, late, now=NOW)
        assert not alarms.put(connection, late, now=NOW)
        assert alarms.put(connection, lost, now=NOW)
        assert not alarms.put(connection, lost, now=NOW)
        assert alarms.put(connection, lost, now=NOW, posted=True), "posted again"


def test_of_two_that_raise_an_alarm_at_once_one_logs_it(database: Database) -> None:
    lost = alarm.heartbeat_lost("edge-1", critical=True)
    both_looked = threading.Barrier(2)

    def look_and_raise(_: int) -> bool:
        with database.reader() as connection:
            assert alarms.list_all(connection) == []
        both_looked.wait(60.0)
        with database.writer() as connection:
            return alarms.put(connection, lost, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(look_and_raise, range(2))) == [False, True]
