# SPDX-License-Identifier: Apache-2.0
"""Who looks only at what wants attention concludes what a look at every host does, and a
fleet that is well costs the same however large it is."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from hummingbird.clock import ManualClock
from hummingbird.db.model import HOST
from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import hearing, heartbeat, system
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Connection, Database
from hummingbird.domain.alarm import heartbeat_lost, host_locked, site_dark
from hummingbird.domain.emn import Attachment
from hummingbird.domain.hearing import GatewayRecord
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.recovery import Limits
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.reconcilers.fleet.alarm import AlarmReconciler
from hummingbird.reconcilers.fleet.liveness import LivenessReconciler
from tests.explain import Watched
from tests.fakes.links import FakeLinks

PERIODS = (1.0, 10.0, 600.0)
SITES = 4


class Fleet:
    """Hosts, and who judges them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.chance = random.Random(0)  # noqa: S311
        self.clock = ManualClock()
        self.started = self.clock.monotonic()
        links = FakeLinks()
        links.add("mgmt0")
        links.add_route("10.0.0.0/8", link="mgmt0", source="192.168.204.2")
        self.observer = FleetObserver(
            database=database,
            clock=self.clock,
            own_links=OwnLinks(
                database, links=links, clock=self.clock, controller="controller-0"
            ),
            period_seconds=10.0,
            gateway_flush_seconds=1.0,
        )
        with database.writer() as connection:
            system.seed(
                connection, name="t", mn_cidr="192.168.204.0/24", now=self.clock.now()
            )
            self.networks = [
                emns.create(
                    connection,
                    name=f"site-{index}",
                    cidr=f"10.0.{index}.0/24",
                    attachment=Attachment.ROUTED,
                    site=None,
                    credential_id=None,
                    now=self.clock.now(),
                )
                for index in range(SITES)
            ]
        self.listen()

    def liveness(self) -> LivenessReconciler:
        return LivenessReconciler(self.observer, period_seconds=1.0)

    def alarms(self) -> AlarmReconciler:
        ladder = Ladder(Limits(), enabled=True)
        return AlarmReconciler(self.observer, ladder=ladder, period_seconds=1.0)

    def listen(self) -> None:
        """Have the gateway say that it is there."""
        now = self.clock.monotonic()
        record = GatewayRecord(
            name="gateway",
            incarnation="g",
            clock=now,
            listening_since=self.started,
            complete=now,
            gone_after=8.0,
        )
        with self.database.writer() as connection:
            hearing.write(connection, record, now=self.clock.now())

    def add(
        self,
        connection: Connection,
        state: HostState,
        *,
        period: float = 600.0,
        silence: float | None = 1.0,
    ) -> Host:
        """Add a host in a state, heard so many seconds ago, or never."""
        chance, now = self.chance, self.clock.now()
        number = chance.getrandbits(40)
        host = hosts.create(
            connection,
            hostname=f"edge-{number}",
            mgmt_mac=":".join(f"{number:012x}"[i : i + 2] for i in range(0, 12, 2)),
            mgmt_ip=None,
            emn_id=chance.choice([None, *(n.id for n in self.networks)]),
            credential_id=None,
            serialid=None,
            location={},
            capabilities={},
            attributes={},
            now=now - timedelta(days=1),
        )
        boot_id = str(uuid4())
        values = {
            "state": state.value,
            "state_since": now - timedelta(hours=1),
            "provisioned_plan": None if state is HostState.ADDED else "plan",
            "online": silence is not None and chance.choice([True, False]),
            "boot_id": chance.choice([boot_id, None]),
        }
        connection.execute(HOST.update().where(HOST.c.id == host.id).values(values))
        if silence is not None:
            beat = Heartbeat(
                host_id=host.id,
                last_heard_at=now - timedelta(seconds=silence),
                period_seconds=period,
                boot_id=boot_id,
                uptime_seconds=0,
                beats=1,
                heard_seconds=self.clock.monotonic() - silence,
                gateway="gateway",
            )
            heartbeat.put(connection, [beat])
        return hosts.get(connection, host.id)

    def add_any(self, connection: Connection) -> None:
        """Add a host in any state that there can be, with an alarm or without."""
        chance = self.chance
        state, period = chance.choice(list(HostState)), chance.choice(PERIODS)
        silence: float | None = chance.choice(
            [0.0, 1.9 * period, 2.0 * period, 2.5 * period, 3.0 * period, 9999.0, None]
        )
        if state is HostState.ENABLED and silence is None:
            silence = 0.0  # nobody comes into service who was never heard
        host = self.add(connection, state, period=period, silence=silence)
        stands = chance.choice(
            [
                None,
                None,
                host_locked(host.hostname),
                heartbeat_lost(host.hostname, critical=True),
                heartbeat_lost(host.hostname, critical=False),
                site_dark(f"site-{chance.randrange(SITES)}", silent=2, watched=2),
            ]
        )
        if stands is not None:
            alarms.put(connection, stands, now=self.clock.now())

    def state(self) -> tuple[list[Host], set[tuple[str, ...]]]:
        """Return all that the reconcilers keep."""
        with self.database.reader() as connection:
            return hosts.list_all(connection), {
                (one.alarm.alarm_id, one.alarm.entity_instance_id, one.alarm.severity)
                for one in alarms.list_all(connection)
            }


@pytest.fixture
def fleet(database: Database) -> Iterator[Fleet]:
    yield Fleet(database)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("listening_seconds", [1.0, 25.0, 7200.0])
def test_attention_misses_nothing(
    fleet: Fleet, seed: int, listening_seconds: float
) -> None:
    fleet.chance.seed(seed)
    liveness, alarm = fleet.liveness(), fleet.alarms()
    liveness.reconcile()
    alarm.reconcile()
    fleet.clock.advance(listening_seconds)
    fleet.listen()
    with fleet.database.writer() as connection:
        for _ in range(60):
            fleet.add_any(connection)
    # Alarms last: they follow the states. Twice, for those that passed through one.
    for _ in range(2):
        liveness.reconcile()
        alarm.reconcile()
    seen = fleet.state()
    # These two are new, and so look at everything.
    everywhere = (fleet.liveness().reconcile(), fleet.alarms().reconcile())
    assert [outcome.changed for outcome in everywhere] == [(), ()]
    found, standing = fleet.state()
    assert standing == seen[1]
    assert [_settled(host) for host in found] == [_settled(host) for host in seen[0]]


def _settled(host: Host) -> Host:
    # Nobody waits for these: they are taken over now and then.
    return replace(host, boot_id=None, uptime_seconds=0)


def test_a_fleet_that_is_well_costs_the_same_however_large(fleet: Fleet) -> None:
    liveness, alarm = fleet.liveness(), fleet.alarms()
    watched, counts = Watched(fleet.database), []
    for size in (5, 100):
        with fleet.database.writer() as connection:
            for _ in range(size):
                fleet.add(connection, HostState.ENABLED)
                fleet.add(connection, HostState.LOCKED)
        fleet.clock.advance(11.0)
        fleet.listen()
        for _ in range(3):
            liveness.reconcile()
            alarm.reconcile()
        with watched.watching():
            outcomes = liveness.reconcile(), alarm.reconcile()
        assert [(one.looked_at, one.changed) for one in outcomes] == [(0, ())] * 2
        assert watched.walks == []
        counts.append(len(watched.statements))
    assert counts[0] == counts[1]


def test_a_reboot_that_was_no_silence_is_noted_before_long(fleet: Fleet) -> None:
    with fleet.database.writer() as connection:
        host = fleet.add(connection, HostState.ENABLED)
    liveness = fleet.liveness()
    liveness.reconcile()
    boot_id = str(uuid4())
    with fleet.database.writer() as connection:
        beat = heartbeat.of_host(connection, host.id)
        assert beat is not None
        assert beat.heard_seconds is not None
        later = beat.heard_seconds + 1.0
        heartbeat.put(connection, [replace(beat, boot_id=boot_id, heard_seconds=later)])
    fleet.clock.advance(10.0)
    fleet.listen()
    liveness.reconcile()
    with fleet.database.reader() as connection:
        assert hosts.get(connection, host.id).boot_id == boot_id
