# SPDX-License-Identifier: Apache-2.0
"""After whatever happens, in whatever order, those who look only at what changed have
concluded what a fresh look at everything concludes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from hummingbird.db.migration import upgrade
from hummingbird.db.model import ALARM, ATTENTION, EMN, HEARTBEAT, HOST, METADATA
from hummingbird.db.model import HOST_CONDITION as CONDITION
from hummingbird.db.repository import board as boards
from hummingbird.db.repository import heartbeat
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import verdict as verdicts
from hummingbird.db.session import Database
from hummingbird.db.trigger import TRIGGERS
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import SILENT
from tests.fakes.fleet import Fleet

STATES = (
    HostState.ENABLED,
    HostState.DEGRADED,
    HostState.LOST,
    HostState.LOCKED,
    HostState.RECOVERING,
)
HOSTS = 8


class Life:
    """A fleet, what happens to it, and one set of reconcilers that live through it."""

    def __init__(self, database: Database) -> None:
        with database.writer() as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(table.delete())
            connection.execute(ATTENTION.delete())
        self.fleet = Fleet(database)
        with database.writer() as connection:
            for index in range(HOSTS):
                self.fleet.add(
                    connection, STATES[index % len(STATES)], period=10.0, silence=1.0
                )
        self.liveness, self.alarm = self.fleet.liveness(), self.fleet.alarms()
        self.look()

    def look(self) -> None:
        self.liveness.reconcile()
        self.alarm.reconcile()

    def _host(self, index: int) -> Host | None:
        with self.fleet.database.reader() as connection:
            found = hosts.list_all(connection)
        return found[index % len(found)] if found else None

    def happen(self, kind: str, index: int, amount: float) -> None:
        """Let one thing happen."""
        host = self._host(index)
        if kind == "time":
            self.fleet.clock.advance(amount)
            self.fleet.listen()
        elif kind == "deaf":
            self.fleet.clock.advance(amount)
        elif kind == "gateway":
            self.fleet.started = self.fleet.clock.monotonic()
            self.fleet.listen()
        elif kind == "look":
            self.look()
        elif kind == "liveness":
            self.liveness.reconcile()
        elif kind == "alarm":
            self.alarm.reconcile()
        elif host is not None:
            self._to_host(kind, host, index, amount)

    def _to_host(self, kind: str, host: Host, index: int, amount: float) -> None:
        fleet = self.fleet
        with fleet.database.writer() as connection:

            def write(**values: Any) -> None:
                connection.execute(
                    HOST.update().where(HOST.c.id == host.id).values(values)
                )

            if kind == "beat":
                beat = heartbeat.of_host(connection, host.id)
                if beat is not None:
                    now = fleet.clock.monotonic()
                    new = replace(beat, heard_seconds=now, boot_id=f"b{index % 2}")
                    heartbeat.put(connection, [new])
            elif kind == "period":
                connection.execute(
                    HEARTBEAT.update()
                    .where(HEARTBEAT.c.host_id == host.id)
                    .values(period_seconds=max(1.0, amount))
                )
            elif kind == "state":
                write(state=STATES[index % len(STATES)], generation=host.generation + 1)
            elif kind == "moved":
                write(emn_id=fleet.networks[index % len(fleet.networks)].id)
            elif kind == "site":
                connection.execute(
                    EMN.update()
                    .where(EMN.c.id == fleet.networks[index % 4].id)
                    .values(site=f"site-{index % 2}")
                )
            elif kind == "off":
                write(online=False)
            elif kind == "delete":
                hosts.remove(connection, host.id)
            elif kind == "add":
                fleet.add(connection, STATES[index % len(STATES)], silence=amount)
            elif kind == "ready":
                connection.execute(
                    CONDITION.delete().where(CONDITION.c.host_id == host.id)
                )
                connection.execute(
                    CONDITION.insert().values(
                        host_id=host.id,
                        type="Ready",
                        status="False" if index % 2 else "True",
                        reason="r",
                        since=fleet.clock.now(),
                        observer="kubernetes",
                    )
                )
            elif kind == "board":
                boards.note_away(connection, host.id, reason="r", now=fleet.clock.now())
            elif kind == "cleared":
                connection.execute(
                    ALARM.delete().where(
                        ALARM.c.entity_instance_id.like(f"%{host.hostname}%")
                    )
                )

    def concluded(self) -> tuple[Any, ...]:
        """Return all that is kept of what was concluded."""
        with self.fleet.database.reader() as connection:
            found, alarms = self.fleet.state()
            silent = {
                host_id: one.liveness
                for host_id, one in verdicts.list_all(connection).items()
                if one.liveness in SILENT
            }
            named = {host.id: (host.state, host.online) for host in found}
            watched = {h.id for h in found if h.state in WATCHED}
            return named, alarms, {k: v for k, v in silent.items() if k in watched}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("time", "time", "deaf", "gateway", "look", "liveness", "alarm"),
                *("beat", "beat", "period", "state", "moved", "site", "off"),
                *("delete", "add", "ready", "board", "cleared"),
            ]
        ),
        st.integers(0, 40),
        st.sampled_from([0.5, 5.0, 11.0, 20.0, 25.0, 31.0, 100.0]),
    ),
    max_size=40,
)


def same_after(database: Database, events: list[tuple[str, int, float]]) -> None:
    life = Life(database)
    for event in events:
        life.happen(*event)
    life.fleet.listen()
    for _ in range(3):
        life.look()
    seen = life.concluded()
    changed: list[Callable[[], Any]] = [
        life.fleet.liveness().reconcile,
        life.fleet.alarms().reconcile,
    ]
    assert [look().changed for look in changed] == [(), ()], events
    assert life.concluded() == seen, events


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS)
def test_what_was_concluded_bit_by_bit_is_what_a_look_at_everything_concludes(
    database: Database, events: list[tuple[str, int, float]]
) -> None:
    same_after(database, events)


def test_every_trigger_is_there_after_the_last_migration(
    empty_database: Database,
) -> None:
    upgrade(empty_database)
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if empty_database.is_sqlite
        else "SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with empty_database.reader() as connection:
        found = set(connection.exec_driver_sql(query).scalars())
    assert found == {one.name for one in TRIGGERS}
    tables = set(inspect(empty_database.engine).get_table_names())
    assert {one.table for one in TRIGGERS} <= tables
