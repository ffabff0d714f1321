# SPDX-License-Identifier: Apache-2.0
"""Hosts as rows of a database, and who judges them: no box, no conductor."""

import random
from datetime import timedelta
from uuid import uuid4

from cryptography.fernet import Fernet

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
from hummingbird.evaluation.restart_ladder import RestartLadder
from hummingbird.reconcilers.fleet.alarm import AlarmReconciler
from hummingbird.reconcilers.fleet.liveness import LivenessReconciler
from hummingbird.reconcilers.fleet.recovery import RecoveryReconciler
from hummingbird.secretbox import SecretBox
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
        return AlarmReconciler(
            self.observer,
            ladder=ladder,
            restarts=RestartLadder(Limits(), enabled=True),
            period_seconds=1.0,
        )

    def recovery(self) -> RecoveryReconciler:
        return RecoveryReconciler(
            self.observer,
            ladder=Ladder(Limits(), enabled=True),
            box=SecretBox(Fernet.generate_key()),
            probe=lambda _address, **_how: False,
            probe_seconds=30.0,
            period_seconds=5.0,
            nudge_runs=lambda: None,
        )

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
