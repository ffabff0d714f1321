# SPDX-License-Identifier: Apache-2.0
"""What has happened is kept for a time and no more than so much, a year's worth included."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from hummingbird.clock import ManualClock
from hummingbird.conf import new
from hummingbird.db.model import AUDIT_LOG, EVENT_LOG, RUN, RUN_EVENT
from hummingbird.db.repository import retention
from hummingbird.db.repository.retention import Kind
from hummingbird.db.session import Database
from hummingbird.reconcilers.fleet.retention import Kept, RetentionReconciler
from tests.explain import Watched

DAYS = 365
RUNS_A_DAY = 20
EVENTS_A_RUN = 3
LINES_A_DAY = 60
KEPT = Kept(
    run_days=90,
    runs_most=20000,
    event_days=180,
    events_most=200000,
    audit_days=30,
    batch=200,
)


class Year:
    """A database with what happened, some of it each day."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()

    def fill(self, *, days: int = DAYS) -> None:
        begin = self.clock.now() - timedelta(days=days)
        runs, events, lines, audits = [], [], [], []
        for day in range(days):
            at = begin + timedelta(days=day)
            for number in range(RUNS_A_DAY):
                one = day * RUNS_A_DAY + number + 1
                runs.append(_run(one, at))
                events += [_event(one, at) for _ in range(EVENTS_A_RUN)]
            for number in range(LINES_A_DAY):
                lines.append(_line(f"{day}-{number}", at))
                audits.append(_audit(at))
        with self.database.writer() as connection:
            for table, rows in (
                (RUN, runs),
                (RUN_EVENT, events),
                (EVENT_LOG, lines),
                (AUDIT_LOG, audits),
            ):
                connection.execute(table.insert(), rows)

    def reconciler(self, **changes: Any) -> RetentionReconciler:
        kept = Kept(**{**vars(KEPT), **changes})
        return RetentionReconciler(
            self.database,
            clock=self.clock,
            kept=kept,
            period_seconds=600.0,
            steady_seconds=0.0,
        )

    def count(self, table: Any) -> int:
        with self.database.reader() as connection:
            query = select(func.count()).select_from(table)
            return int(connection.execute(query).scalar_one())

    def oldest(self, column: Any) -> datetime:
        with self.database.reader() as connection:
            found: datetime = connection.execute(
                select(column).order_by(column).limit(1)
            ).scalar_one()
            return found


def _run(number: int, at: datetime, state: str = "succeeded") -> dict[str, Any]:
    return {
        "id": number,
        "uuid": str(number),
        "host_uuid": "h",
        "hostname": "edge-0",
        "kind": "unlock",
        "state": state,
        "requested_by": "admin",
        "attempt": 1,
        "cancel_requested": False,
        "queued_at": at,
    }


def _event(run_id: int, at: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "at": at,
        "step": "connect",
        "state": "done",
        "message": "",
    }


def _line(uuid: str, at: datetime) -> dict[str, Any]:
    texts = ("event_log_id", "state", "entity_type_id", "entity_instance_id")
    texts += ("severity", "reason_text", "event_log_type", "probable_cause")
    texts += ("proposed_repair_action",)
    return {
        **dict.fromkeys(texts, "x"),
        "uuid": uuid,
        "at": at,
        "service_affecting": False,
        "suppression": False,
    }


def _audit(at: datetime) -> dict[str, Any]:
    texts = ("request_id", "user", "roles", "source", "method", "path")
    return {**dict.fromkeys(texts, "x"), "at": at, "status": 200}


@pytest.fixture
def year(database: Database) -> Year:
    return Year(database)


def test_of_a_year_what_is_too_old_goes_and_the_rest_stays(year: Year) -> None:
    year.fill()
    outcome = year.reconciler().reconcile()
    assert outcome.failed == ()
    assert year.count(RUN) == 90 * RUNS_A_DAY
    assert year.count(RUN_EVENT) == 90 * RUNS_A_DAY * EVENTS_A_RUN
    assert year.count(EVENT_LOG) == 180 * LINES_A_DAY
    assert year.count(AUDIT_LOG) == 30 * LINES_A_DAY
    now = year.clock.now()
    assert year.oldest(RUN.c.queued_at) >= now - timedelta(days=90)
    assert year.oldest(EVENT_LOG.c.at) >= now - timedelta(days=180)
    assert year.reconciler().reconcile().changed == (), "once is enough"


def test_what_is_too_much_goes_although_it_is_young(year: Year) -> None:
    year.fill(days=10)
    year.reconciler(runs_most=50, events_most=100).reconcile()
    assert year.count(RUN) == 50
    assert year.count(RUN_EVENT) == 50 * EVENTS_A_RUN
    assert year.count(EVENT_LOG) == 100
    assert year.count(AUDIT_LOG) == 10 * LINES_A_DAY


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_has_not_ended_stays_however_old_it_is(
    year: Year, state: str
) -> None:
    year.fill(days=100)
    old = year.clock.now() - timedelta(days=300)
    with year.database.writer() as connection:
        connection.execute(RUN.update().where(RUN.c.id <= 30).values(state=state))
        connection.execute(RUN.update().where(RUN.c.id <= 30).values(queued_at=old))
    year.reconciler().reconcile()
    assert year.count(RUN) == 30 + 90 * RUNS_A_DAY, "it holds up no others"


def test_runs_that_recovery_counts_by_stay_however_many_they_are(year: Year) -> None:
    year.fill(days=10)
    recent = year.clock.now() - timedelta(hours=12)
    with year.database.writer() as connection:
        latest = RUN.c.id > 5 * RUNS_A_DAY
        connection.execute(RUN.update().where(latest).values(queued_at=recent))
    year.reconciler(runs_most=50).reconcile()
    assert year.count(RUN) == 5 * RUNS_A_DAY


def test_a_row_that_a_wrong_clock_wrote_holds_up_no_others(year: Year) -> None:
    year.fill(days=200)
    ahead = year.clock.now() + timedelta(days=3000)
    with year.database.writer() as connection:
        first = EVENT_LOG.c.id == 1
        connection.execute(EVENT_LOG.update().where(first).values(at=ahead))
    year.reconciler().reconcile()
    assert year.count(EVENT_LOG) == 180 * LINES_A_DAY + 1


def test_a_clock_that_was_set_makes_nothing_old(year: Year) -> None:
    year.fill(days=10)
    reconciler = RetentionReconciler(
        year.database, clock=year.clock, kept=KEPT, period_seconds=600.0
    )

    def look(times: int) -> None:
        for _ in range(times):
            year.clock.advance(600.0)
            reconciler.reconcile()

    look(7)
    year.clock.step(3650 * 86400.0)
    look(5)
    year.clock.step(-3650 * 86400.0)
    look(8)
    assert year.count(EVENT_LOG) == 10 * LINES_A_DAY
    year.clock.step(3650 * 86400.0)
    look(8)
    assert year.count(EVENT_LOG) == 0, "it is believed in the end"


def test_a_batch_takes_away_no_more_than_it_may(year: Year) -> None:
    year.fill(days=100)
    now = year.clock.now()
    with year.database.writer() as connection:
        taken = retention.take_away(
            connection, Kind.EVENTS, after=0, before=now, edge=0, batch=7
        )
    assert (taken.count, year.count(EVENT_LOG)) == (7, 100 * LINES_A_DAY - 7)
    assert taken.upto is not None


def test_a_look_ends_in_time_and_the_next_one_goes_on(year: Year) -> None:
    year.fill(days=40)

    class Slow(ManualClock):
        """Each look at it takes four seconds."""

        def monotonic(self) -> float:
            self.advance(4.0)
            return super().monotonic()

    slow = Slow(year.clock.now())
    reconciler = RetentionReconciler(
        year.database,
        clock=slow,
        kept=Kept(**{**vars(KEPT), "audit_days": 0, "run_days": 1}),
        period_seconds=600.0,
        steady_seconds=0.0,
    )
    looks = 0
    while reconciler.reconcile().changed:
        looks += 1
        assert looks < 1000
    assert looks > 1
    assert year.count(AUDIT_LOG) == 0


def test_two_at_once_do_no_harm(year: Year) -> None:
    from concurrent.futures import ThreadPoolExecutor

    year.fill(days=120)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: year.reconciler().reconcile(), range(2)))
    assert [one.failed for one in outcomes] == [(), ()]
    assert year.count(RUN) == 90 * RUNS_A_DAY


@pytest.mark.parametrize("kind", list(Kind))
def test_no_look_walks_through_a_table(year: Year, kind: Kind) -> None:
    year.fill(days=60)
    before = year.clock.now() - timedelta(days=365)
    watched = Watched(year.database)
    with watched.watching(), year.database.writer() as connection:
        retention.take_away(connection, kind, after=0, before=before, edge=0, batch=20)
    assert watched.walks == []


def test_fault_management_never_has_fewer_lines_than_it_lists() -> None:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    with pytest.raises(ValueError, match="4000"):
        conf.set_override("events_most", 3999, group="retention")
