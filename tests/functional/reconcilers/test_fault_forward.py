# SPDX-License-Identifier: Apache-2.0
"""Faults go to an FM elsewhere: in order, at least once, and from a queue while it is
away. The FM is a fake behind real HTTP; once it is Hummingbird itself."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.adapters.fm.fault_manager import FaultManager
from hummingbird.api.http.server import ApiService
from hummingbird.clock import ManualClock, SystemClock
from hummingbird.cmd.bootstrap import open_database
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import new
from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import event_log, fault_outbox
from hummingbird.db.session import Database
from hummingbird.domain.alarm import (
    Alarm,
    heartbeat_lost,
    host_locked,
    host_log,
    recovery_given_up,
)
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.fleet.fault_forward import REFUSALS, FaultForwardReconciler
from tests.fakes.fm import TOKEN, FakeFm

LOST = ("200.005", "host=edge-0.network=Management")
LOCKED = ("200.001", "host=edge-0")


class Site:
    """A database whose faults are told to an FM, and who tells them."""

    def __init__(self, database: Database, fm: FakeFm, folder: Path) -> None:
        url = database.engine.url.render_as_string(hide_password=False)
        self.database = Database(url, forward_faults=True)
        self.clock = ManualClock()
        self.token_file = folder / "fm.token"
        self.token_file.write_text(f"{TOKEN}\n")
        self.reconciler = self.conductor(url=fm.url)

    def conductor(
        self, *, url: str, limit: int = 1000, token_file: Path | None = None
    ) -> FaultForwardReconciler:
        return FaultForwardReconciler(
            self.database,
            clock=self.clock,
            fault_manager=FaultManager(
                url, token_file=token_file or self.token_file, timeout_seconds=5
            ),
            period_seconds=5,
            audit_seconds=300,
            queue_limit=limit,
        )

    def set(self, *wanted: Alarm) -> None:
        with self.database.writer() as connection:
            for alarm in wanted:
                assert alarms.put(connection, alarm, now=self.clock.now())

    def clear(self, key: tuple[str, str]) -> None:
        with self.database.writer() as connection:
            assert alarms.clear(connection, [key], now=self.clock.now())

    def log(self, text: str) -> None:
        line = host_log("200.021", "edge-0", instance="command=lock", text=text)
        with self.database.writer() as connection:
            event_log.append(connection, line, now=self.clock.now())

    def waiting(self) -> int:
        with self.database.reader() as connection:
            return fault_outbox.count(connection)

    def look(self) -> Outcome:
        self.clock.advance(5)
        return self.reconciler.reconcile()


@pytest.fixture
def fm() -> Iterator[FakeFm]:
    made = FakeFm()
    yield made
    made.stop()


@pytest.fixture
def site(database: Database, fm: FakeFm, tmp_path: Path) -> Iterator[Site]:
    made = Site(database, fm, tmp_path)
    yield made
    made.database.dispose()


def test_what_happens_is_told_in_order(site: Site, fm: FakeFm) -> None:
    site.set(heartbeat_lost("edge-0", critical=False), host_locked("edge-00"))
    site.log("manual 'lock' request")
    site.set(host_locked("edge-0"))
    assert site.look() == Outcome(4, ("told 4 of 4 messages",), ())
    site.set(heartbeat_lost("edge-0", critical=True))
    site.clear(LOCKED)
    site.look()
    assert fm.standing() == {LOST: "critical", ("200.001", "host=edge-00"): "warning"}
    assert fm.told() == [
        ("set", "200.005"),
        ("set", "200.001"),
        ("log", "200.021"),
        ("set", "200.001"),
        ("clear", "200.001"),
    ]
    assert fm.alarms[0]["timestamp"] == "2026-01-01T00:00:05"
    assert site.look() == Outcome()


def test_while_it_is_away_everything_waits_and_our_lists_are_right(
    site: Site, fm: FakeFm
) -> None:
    site.look()
    fm.stop()
    site.set(heartbeat_lost("edge-0", critical=True))
    site.log("one")
    outcome = site.look()
    assert not outcome.changed
    assert outcome.failed[0].startswith("StarlingX's fault management does not answer")
    assert "(2 messages wait)" in outcome.failed[0]
    site.clear(LOST)
    site.log("two")
    with site.database.reader() as connection:
        assert not alarms.list_all(connection)
        assert len(event_log.list_latest(connection, limit=9)) == 2
    fm.start()
    site.look()
    assert site.waiting() == 0
    assert fm.told() == [
        ("set", "200.005"),
        ("log", "200.021"),
        ("clear", "200.005"),
        ("log", "200.021"),
    ]


def test_what_is_told_twice_is_there_once(site: Site, fm: FakeFm) -> None:
    for change in (
        lambda: site.set(host_locked("edge-0")),
        lambda: site.log("one"),
        lambda: site.clear(LOCKED),
    ):
        change()
        fm.answers_to_lose = 1
        assert site.look().failed
        assert site.waiting() == 1
        assert not site.look().failed
        assert site.waiting() == 0
    assert not fm.standing()
    assert fm.told() == [("set", "200.001"), ("log", "200.021"), ("clear", "200.001")]


def test_what_it_will_never_take_does_not_stop_the_others(
    site: Site, fm: FakeFm, caplog: pytest.LogCaptureFixture
) -> None:
    fm.unknown_ids = {"200.004"}
    site.look()
    site.set(recovery_given_up("edge-0"), host_locked("edge-0"))
    for _ in range(REFUSALS - 1):
        assert "status 500" in site.look().failed[0]
        assert not fm.standing()
    with caplog.at_level(logging.ERROR):
        site.look()
    assert "FM does not take set of 200.004 host=edge-0" in caplog.text
    assert (fm.standing(), site.waiting()) == ({LOCKED: "warning"}, 0)


def test_an_fm_that_is_broken_loses_nothing(site: Site, fm: FakeFm) -> None:
    site.look()
    site.set(host_locked("edge-0"))
    fm.is_broken = True
    for _ in range(2 * REFUSALS):
        assert site.look().failed
    assert site.waiting() == 1
    fm.is_broken = False
    site.look()
    assert fm.standing() == {LOCKED: "warning"}


def test_a_token_that_has_ended_is_read_anew(site: Site, fm: FakeFm) -> None:
    site.set(host_locked("edge-0"))
    fm.token = "another"
    assert "status 401" in site.look().failed[0]
    site.token_file.unlink()
    assert str(site.token_file) in site.look().failed[0]
    site.token_file.write_text("another")
    assert not site.look().failed
    assert fm.standing() == {LOCKED: "warning"}


def test_an_fm_that_forgot_is_told_again(site: Site, fm: FakeFm) -> None:
    site.set(host_locked("edge-0"), heartbeat_lost("edge-1", critical=True))
    site.look()
    del fm.alarms[0]
    # An alarm of somebody else's is his.
    fm.alarms.append({**fm.alarms[0], "uuid": "x", "entity_instance_id": "host=other"})
    site.look()
    assert len(fm.standing()) == 2
    site.clock.advance(300)
    assert site.look().changed[0] == "queued 1 alarms that FM lacks"
    assert len(fm.standing()) == 3
    assert fm.standing()[LOCKED] == "warning"


def test_alarms_that_stood_before_are_told_too(
    database: Database, site: Site, fm: FakeFm
) -> None:
    with database.writer() as connection:
        alarms.put(connection, host_locked("edge-0"), now=site.clock.now())
    assert site.waiting() == 0, "nobody was to be told then"
    site.look()
    assert fm.standing() == {LOCKED: "warning"}


def test_a_long_queue_keeps_the_last_word_on_each_alarm(site: Site, fm: FakeFm) -> None:
    fm.stop()
    reconciler = site.conductor(url=fm.url, limit=5)
    for number in range(4):
        site.set(heartbeat_lost("edge-0", critical=bool(number % 2)))
        site.log(f"log {number}")
    site.clear(LOST)
    for name in ("edge-1", "edge-2"):
        site.set(host_locked(name))
    outcome = reconciler.reconcile()
    assert outcome.changed == ("left 6 superseded or old messages out",)
    assert site.waiting() == 5
    fm.start()
    reconciler.reconcile()
    assert set(fm.standing()) == {("200.001", f"host=edge-{n}") for n in (1, 2)}
    assert [e["reason_text"] for e in fm.events if e["state"] == "log"] == [
        "edge-0 log 2",
        "edge-0 log 3",
    ]


def test_the_fm_may_be_another_hummingbird(site: Site, tmp_path: Path) -> None:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(tmp_path / "other"))
    for name in ("port", "fm_port"):
        conf.set_override(name, 0, group="api")
    conf.set_override("tls", False, group="api")
    theirs = open_database(conf, site.clock)
    service = ApiService(
        conf, theirs, SystemClock(), adopt(conf, theirs, SystemClock()), lambda: None
    )
    service.start()
    try:
        reconciler = site.conductor(url=service.fm_url, token_file=service.token_file)
        site.set(host_locked("edge-0"), heartbeat_lost("edge-0", critical=False))
        site.log("one")
        site.set(heartbeat_lost("edge-0", critical=True))
        site.clear(LOCKED)
        assert reconciler.reconcile() == Outcome(5, ("told 5 of 5 messages",), ())
        with theirs.reader() as connection:
            (only,) = alarms.list_all(connection)
            states = [e.event.state for e in event_log.list_latest(connection, limit=9)]
        assert only.alarm == heartbeat_lost("edge-0", critical=True)
        assert only.posted
        assert states == ["clear", "set", "log", "set", "set"]
    finally:
        service.stop()
        theirs.dispose()
