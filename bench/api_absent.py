# SPDX-License-Identifier: Apache-2.0
"""What a look at a fleet costs of which many hosts are away, and nothing changes.

One look is a turn of each reconciler that judges: liveness, alarm and recovery, in this
process, on a database of its own. Hosts are written as the conductor would have left them,
after days: 8,000 of 20,000 lost, alarmed and given up, each with its runs; then the
reconcilers look until nothing changes any more, and some looks on are measured.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from api_fleet import name, new_host

from hummingbird.clock import ManualClock
from hummingbird.db import migration
from hummingbird.db.model import HEARTBEAT, HOST, RUN
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import hearing, system
from hummingbird.db.session import Database
from hummingbird.domain.emn import Attachment
from hummingbird.domain.hearing import GatewayRecord
from hummingbird.domain.recovery import Limits
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.evaluation.restart_ladder import RestartLadder
from hummingbird.reconcilers.base import Reconciler
from hummingbird.reconcilers.fleet.alarm import AlarmReconciler
from hummingbird.reconcilers.fleet.liveness import LivenessReconciler
from hummingbird.reconcilers.fleet.recovery import RecoveryReconciler
from hummingbird.secretbox import SecretBox
from tests.fakes.links import FakeLinks

HOSTS: Final = 20_000
AWAY: Final = 8_000
SITES: Final = 200
LOOKS: Final = 40
PERIOD_SECONDS: Final = 10.0
DAYS_AWAY: Final = 3.0


class AbsentFleet:
    """A database with hosts, and those who judge them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = ManualClock()
        # The gateway has listened for longer than anybody is away.
        self.clock.advance(30 * 86400.0)
        links = FakeLinks()
        links.add("mgmt0")
        links.add_route("198.18.0.0/15", link="mgmt0", source="192.168.204.2")
        observer = FleetObserver(
            database=database,
            clock=self.clock,
            own_links=OwnLinks(
                database, links=links, clock=self.clock, controller="controller-0"
            ),
            period_seconds=PERIOD_SECONDS,
            gateway_flush_seconds=1.0,
        )
        ladder = Ladder(Limits(), enabled=True)
        self.reconcilers: tuple[Reconciler, ...] = (
            LivenessReconciler(observer, period_seconds=1.0),
            AlarmReconciler(
                observer,
                ladder=ladder,
                restarts=RestartLadder(Limits(), enabled=True),
                period_seconds=1.0,
            ),
            RecoveryReconciler(
                observer,
                ladder=ladder,
                box=SecretBox.from_file(folder / "absent.key"),
                probe=lambda *_address, **_how: False,
                probe_seconds=30.0,
                period_seconds=5.0,
                nudge_runs=lambda: None,
            ),
        )

    def fill(self, *, away: int) -> None:
        """Write the hosts; so many of them are away."""
        now, heard = self.clock.now(), self.clock.monotonic()
        long_ago = now - timedelta(days=DAYS_AWAY)
        with self.database.writer() as connection:
            system.seed(
                connection, name="bench", mn_cidr="192.168.204.0/24", now=long_ago
            )
            networks = [
                emns.create(
                    connection,
                    name=f"site-{index}",
                    cidr=f"198.18.{index}.0/24",
                    attachment=Attachment.ROUTED,
                    site=None,
                    credential_id=None,
                    now=long_ago,
                ).id
                for index in range(SITES)
            ]
            rows = [
                _host(index, networks[index % SITES], away=index < away, at=long_ago)
                for index in range(HOSTS)
            ]
            connection.execute(HOST.insert(), rows)
            connection.execute(
                HEARTBEAT.insert(),
                [
                    _heartbeat(row["id"], now, heard, away=index < away)
                    for index, row in enumerate(rows)
                ],
            )
            runs = [one for row in rows[:away] for one in _runs(row, long_ago)]
            if runs:
                connection.execute(RUN.insert(), runs)

    def look(self) -> float:
        """Let a second go by, and look; return the processor time in ms."""
        self.clock.advance(1.0)
        now = self.clock.monotonic()
        with self.database.writer() as connection:
            record = GatewayRecord(
                name="gateway",
                incarnation="g",
                clock=now,
                listening_since=now - 86400.0 * 7,
                complete=now,
                gone_after=8.0,
            )
            hearing.write(connection, record, now=self.clock.now())
            connection.execute(
                HEARTBEAT.update()
                .where(HEARTBEAT.c.gateway == "gateway", HEARTBEAT.c.beats == 1)
                .values(heard_seconds=now, due_seconds=now + 2 * PERIOD_SECONDS)
            )
        began = time.process_time()
        for reconciler in self.reconcilers:
            reconciler.reconcile()
        return (time.process_time() - began) * 1000

    def settle(self) -> None:
        """Look until nothing changes any more."""
        quiet = 0
        while quiet < 3:
            self.look()
            changed = [one.reconcile().changed for one in self.reconcilers]
            quiet = 0 if any(changed) else quiet + 1


def _host(index: int, emn_id: int, *, away: bool, at: datetime) -> dict[str, Any]:
    added = new_host(index)
    return {
        "id": 1_000_001 + index,
        "uuid": str(uuid4()),
        "hostname": name(index),
        "mgmt_mac": added["mgmt_mac"],
        "mgmt_ip": added["mgmt_ip"],
        "emn_id": emn_id,
        "state": "lost" if away else "enabled",
        "state_since": at,
        "generation": 1,
        "provisioned_plan": "plan",
        "touched": True,
        "online": not away,
        "boot_id": "b",
        "location": {},
        "capabilities": {},
        "attributes": {},
        "created_at": at,
    }


def _heartbeat(
    host_id: int, now: datetime, heard: float, *, away: bool
) -> dict[str, Any]:
    silence = DAYS_AWAY * 86400.0 if away else 0.0
    return {
        "host_id": host_id,
        "last_heard_at": now - timedelta(seconds=silence),
        "period_seconds": PERIOD_SECONDS,
        "boot_id": "b",
        "uptime_seconds": 0,
        "beats": 2 if away else 1,
        "due_at": now - timedelta(seconds=silence - 2 * PERIOD_SECONDS),
        "heard_seconds": heard - silence,
        "due_seconds": heard - silence + 2 * PERIOD_SECONDS,
        "gateway": "gateway",
    }


def _runs(host: dict[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    for number, rung in enumerate(("restart_services", "reboot", "reboot")):
        begun = at + timedelta(minutes=5 + 15 * number)
        yield {
            "uuid": str(uuid4()),
            "host_uuid": host["uuid"],
            "hostname": host["hostname"],
            "kind": "recover",
            "state": "failed",
            "requested_by": "hummingbird",
            "rung": rung,
            "attempt": 1,
            "cancel_requested": False,
            "queued_at": begun,
            "started_at": begun,
            "ended_at": begun + timedelta(minutes=1),
        }


@contextmanager
def _fleet(folder: Path, url: str, *, away: int) -> Iterator[AbsentFleet]:
    database = Database(url)
    try:
        migration.upgrade(database)
        fleet = AbsentFleet(database, folder)
        fleet.fill(away=away)
        fleet.settle()
        yield fleet
    finally:
        database.dispose()


def absent_look_ms(folder: Path, url: str, *, away: int = AWAY) -> float:
    """Return the processor time of one look in ms: the mean of many, since some of them
    have more to do than others."""
    folder.mkdir(parents=True, exist_ok=True)
    with _fleet(folder, url, away=away) as fleet:
        return round(statistics.fmean(fleet.look() for _ in range(LOOKS)), 1)
