# SPDX-License-Identifier: Apache-2.0
"""A whole deployment in one thread: boxes, their cluster, a gateway, and the conductor.

Time is the test's: whoever waits moves it, and while it moves the boxes that are on and
connected beat. Runs are worked on by the real crew, in its threads; `settle` returns when
none is left. Nothing here decides anything that the product decides.
"""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event as Flag
from typing import Any
from uuid import uuid4

from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.adapters.netlink.hub import HubPlan
from hummingbird.conductor.boot import BOOT_ID_FACT, LOOK_TAG
from hummingbird.conductor.crew import Crew
from hummingbird.conductor.membership import Membership
from hummingbird.conductor.neighbours import VXLAN_OPTIONS, Neighbours, Patience
from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import hearing, heartbeat, system
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.session import Connection, Database
from hummingbird.domain.emn import Attachment
from hummingbird.domain.hearing import GatewayRecord, ListeningClock
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.provisioning import CERTIFICATE_VARIABLE, Settings
from hummingbird.domain.recovery import Limits
from hummingbird.domain.run import Run, RunKind
from hummingbird.domain.tunnel import HubOptions
from hummingbird.errors import HostUnreachable, KubernetesRefused
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.reconcilers import registry
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.agent import AgentReconciler
from hummingbird.reconcilers.fleet.plan import PlanReconciler
from hummingbird.reconcilers.machine.tunnel import TunnelReconciler
from hummingbird.reconcilers.machine.vxlan import VxlanReconciler
from hummingbird.secretbox import SecretBox
from tests.fakes.ansible_runner import FakeRunner
from tests.fakes.boards import FakeBoards
from tests.fakes.box import Box, WorldClock
from tests.fakes.bridges import FakeBridges
from tests.fakes.cluster import FakeCluster
from tests.fakes.hub import FakeHub
from tests.fakes.links import FakeLinks
from tests.fakes.window import Window
from tests.fakes.world_trace import WorldTracer

PERIOD_SECONDS = 10.0
GONE_AFTER_SECONDS = 5.0
MAX_ATTEMPTS = 3

SETTINGS = Settings(
    release="1",
    package_repository=None,
    mirrors=(),
    sandbox_image="registry.k8s.io/pause:3.10.2",
    essential_images=(),
    agent_images=("registry.test/mtc-client:1", "registry.test/sysinv-agent:1"),
    ignore_preflight_errors=(),
    systemd_cgroup=True,
    restrict_oom_score_adj=False,
    pod_network=True,
)

PATIENCE = Patience(
    playbook=600.0,
    connect=20.0,
    ready=60.0,
    drain=30.0,
    settle=60.0,
    boot=120.0,
    shutdown=30.0,
    lease=30.0,
)


HUB_OPTIONS = HubOptions(
    endpoints=("198.51.100.2:51820",),
    overlay="100.126.0.0/16",
    networks=("192.168.204.0/24",),
    keepalive_seconds=25,
    mtu=1420,
    period_seconds=10.0,
)
HUB_PLAN = HubPlan(
    interface="hub0",
    address="100.126.0.1",
    overlay="100.126.0.0/16",
    port=51820,
    mtu=1420,
)


class WorldRunner(FakeRunner):
    """Does to the boxes what the playbooks do."""

    def __init__(self, world: "World") -> None:
        super().__init__(clock=world.clock)
        self._world = world

    def run(
        self,
        playbook: str,
        *,
        variables: Mapping[str, object],
        hostname: str,
        tags: Sequence[str] = (),
        **rest: Any,
    ) -> PlaybookResult:
        result = super().run(
            playbook, variables=variables, hostname=hostname, tags=tags, **rest
        )
        if result.status == "successful":
            self._world.played(playbook, hostname, variables=variables, tags=tags)
        if tuple(tags) == (LOOK_TAG,):
            return self._world.told_boot(hostname, result)
        return result


class FakeRelease:
    """A helm release that is only remembered."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.values: Mapping[str, object] | None = None
        self.calls = 0
        self.refusal: str | None = None

    def ensure(self, values: Mapping[str, object]) -> bool:
        self.calls += 1
        if self.refusal is not None:
            raise KubernetesRefused(action="install", message=self.refusal)
        changed = self.values != values
        self.values = values
        for name in self._world.boxes:
            self._world.land_agents(name)
        return changed


class World(Window):
    """Everything, and the levers to move it."""

    def __init__(self, database: Database, *, patience: Patience = PATIENCE) -> None:
        self.database = database
        self.clock = WorldClock()
        self.box_of_secrets = SecretBox(b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        self.cluster = FakeCluster(clock=self.clock)
        self.links = FakeLinks()
        self.links.add("mgmt0")
        self.links.add_route("192.168.204.0/24", link="mgmt0", source="192.168.204.2")
        self.links.add_route("10.20.0.0/24", link="mgmt0", source="192.168.204.2")
        self.boxes: dict[str, Box] = {}
        self.runner = WorldRunner(self)
        self.boards = FakeBoards()
        self.release = FakeRelease(self)
        self.hub = FakeHub()
        self.bridges = FakeBridges()
        self.gateway_is_up = False
        self._hand = ListeningClock()
        self._listening_since: float | None = None
        self._incarnation = ""
        self.patience = patience
        self.settings = SETTINGS
        self.crew: Crew | None = None
        with database.writer() as connection:
            system.seed(
                connection,
                name="test",
                mn_cidr="192.168.204.0/24",
                now=self.clock.now(),
            )
            credentials.create(
                connection,
                name="default",
                user="edge",
                port=22,
                become=True,
                private_key="KEY",
                password=None,
                become_password=None,
                box=self.box_of_secrets,
                now=self.clock.now(),
            )
        self._wire()
        self.clock.on_tick = self._tick
        self.start_gateway()

    def _wire(self) -> None:
        self.agent = AgentReconciler(
            self.database,
            clock=self.clock,
            cluster=self.cluster,
            release=self.release,
            namespace="hummingbird",
            name="hummingbird-agents",
            version="1",
            values=lambda: {"gateway": {"address": "192.168.204.2"}},
            period_seconds=30.0,
        )
        self.neighbours = Neighbours(
            database=self.database,
            clock=self.clock,
            box=self.box_of_secrets,
            runner=self.runner,
            cluster=self.cluster,
            probe=self.probe,
            boards=self.boards,
            ensure_agents=self.agent.ensure,
            settings=lambda: self.settings,
            agents_namespace="hummingbird",
            patience=self.patience,
            look=lambda name: self._look(name),
            hub_options=HUB_OPTIONS,
            links=self.links,
            controller="controller-0",
        )
        observer = FleetObserver(
            database=self.database,
            clock=self.clock,
            own_links=OwnLinks(
                self.database,
                links=self.links,
                clock=self.clock,
                controller="controller-0",
            ),
            controller="controller-0",
            period_seconds=PERIOD_SECONDS,
            gateway_flush_seconds=1.0,
        )
        self.driver: Driver = registry.build(
            registry.Parts(
                observer=observer,
                cluster=self.cluster,
                agent=self.agent,
                box=self.box_of_secrets,
                probe=self.probe,
                boards=self.boards,
                board_check_seconds=300.0,
                limits=Limits(),
                board_reset=True,
                recovery_enabled=True,
                probe_seconds=15.0,
                liveness_seconds=1.0,
                lease_seconds=self.patience.lease,
                max_attempts=MAX_ATTEMPTS,
                in_hand=self._in_hand,
                nudge_runs=lambda: None,
                further=(
                    WorldTracer(self),
                    PlanReconciler(
                        self.database,
                        cluster=self.cluster,
                        settings=lambda: self.settings,
                    ),
                    VxlanReconciler(
                        self.database,
                        bridges=self.bridges,
                        links=self.links,
                        options=VXLAN_OPTIONS,
                        period_seconds=10.0,
                    ),
                    TunnelReconciler(
                        self.database,
                        clock=self.clock,
                        box=self.box_of_secrets,
                        hub=self.hub,
                        plan=HUB_PLAN,
                        period_seconds=10.0,
                        controller="controller-0",
                    ),
                ),
            )
        )

    # --- the conductor --------------------------------------------------------------------

    def start_conductor(self, name: str = "controller-0.conductor") -> Crew:
        """Let a conductor of this name begin a life; its loop is `settle`."""
        membership = Membership(
            self.database,
            clock=self.clock,
            name=name,
            lease_seconds=self.patience.lease,
            max_attempts=MAX_ATTEMPTS,
        )
        membership.join()
        self.membership = membership
        self.crew = Crew(
            self.neighbours, membership=membership, workers=8, poll_seconds=2.0
        )
        return self.crew

    def _in_hand(self) -> tuple[str, frozenset[int]]:
        if self.crew is None:
            return "", frozenset()
        return self.crew.owner, self.crew.in_hand()

    def settle(self, *, timeout_seconds: float = 90.0) -> None:
        """Work on runs until none is queued or in hand."""
        crew = self.crew or self.start_conductor()
        deadline = time.monotonic() + timeout_seconds
        while crew.take_queued() or crew.in_hand():
            if time.monotonic() > deadline:
                raise TimeoutError(f"runs in hand: {crew.in_hand()}")
            Flag().wait(0.002)

    def reconcile(self, *names: str) -> None:
        """Have reconcilers look once, in order; default: those that judge."""
        for name in names or ("liveness", "alarm", "recovery", "trace"):
            report = self.driver.run_once(name)
            assert not any("Error" in failed for failed in report.outcome.failed), (
                report
            )

    def _look(self, name: str) -> None:
        self.driver.run_once(name)

    def live(self, seconds: float) -> None:
        """Let time pass, a second at a time, with all that looks each second."""
        left = seconds
        while left > 0:
            self.clock.advance(min(1.0, left))
            left -= 1.0
            self.reconcile()
            self.settle()

    def beat_conductor(self) -> None:
        """Let the conductor, if there is one, give its sign of life."""
        if self.crew is not None:
            self.membership.beat()

    # --- what people ask for ----------------------------------------------------------------

    def add(self, name: str, address: str, *, underlay: str | None = None) -> Host:
        """Add a host, with a box at its address, or at the one that it has below."""
        self.boxes[name] = Box(underlay or address)
        with self.database.writer() as connection:
            number = len(hosts.list_all(connection)) + len(self.boxes)
            network = emns.of_address(connection, address)
            return hosts.create(
                connection,
                hostname=name,
                mgmt_mac=f"02:00:00:00:00:{number:02x}",
                mgmt_ip=address,
                underlay=underlay,
                emn_id=network.id,
                credential_id=None,
                serialid=None,
                location={},
                capabilities={},
                attributes={},
                now=self.clock.now(),
            )

    def add_network(
        self,
        name: str,
        cidr: str,
        *,
        site: str | None = None,
        attachment: Attachment = Attachment.ROUTED,
    ) -> None:
        """Add an EMN."""
        with self.database.writer() as connection:
            emns.create(
                connection,
                name=name,
                cidr=cidr,
                attachment=attachment,
                site=site,
                credential_id=None,
                now=self.clock.now(),
            )

    def ask(self, name: str, kind: RunKind, event: Event | None) -> Run:
        """Do what the API does when it accepts a request."""
        with self.database.writer() as connection:
            host = hosts.find(connection, name)
            if kind in (RunKind.LOCK, RunKind.FORCE_LOCK):
                runs.request_cancel(connection, host_uuid=host.uuid)
            if event is not None:
                host = hosts.move(connection, host, event, now=self.clock.now())
            return runs.create(
                connection,
                host_uuid=host.uuid,
                hostname=host.hostname,
                kind=kind,
                requested_by="admin",
                now=self.clock.now(),
            )

    def unlock(self, name: str) -> Run:
        """Ask for a host to be brought into service."""
        host = self.host(name)
        is_known = host.state is HostState.LOCKED and host.provisioned_plan
        event = Event.ENABLE if is_known else Event.PROVISION
        return self.ask(name, RunKind.UNLOCK, event)

    def lock(self, name: str, *, force: bool = False) -> Run:
        """Ask for a host to be taken out of service."""
        kind = RunKind.FORCE_LOCK if force else RunKind.LOCK
        return self.ask(name, kind, Event.LOCK)

    def delete(self, name: str) -> Run:
        """Ask for a host to be retired."""
        return self.ask(name, RunKind.RETIRE, Event.DELETE)

    def cancel(self, name: str) -> None:
        """Ask for the host's runs to stop."""
        with self.database.writer() as connection:
            runs.request_cancel(connection, host_uuid=hosts.find(connection, name).uuid)

    def in_service(self, name: str, address: str) -> Host:
        """Return a host that was added and unlocked."""
        self.add(name, address)
        self.unlock(name)
        self.settle()
        host = self.host(name)
        assert host.state is HostState.ENABLED, self.run(name)
        return host

    # --- the field ----------------------------------------------------------------------------

    def probe(self, address: str, *, port: int, timeout_seconds: float) -> bool:
        """Say whether the box at an address answers; time passes where none does."""
        answers = any(
            address in (b.address, b.inside) and b.answers()
            for b in self.boxes.values()
        )
        if not answers:
            self.clock.advance(timeout_seconds)
        return answers

    def power_off(self, name: str) -> None:
        """Pull the plug."""
        self.boxes[name].is_on = False
        if self.cluster.node(name) is not None:
            self.cluster.set_ready(name, False)

    def power_on(self, name: str) -> None:
        """Plug it in again."""
        box = self.boxes[name]
        box.is_on = True
        box.boot(at=self.clock.monotonic())
        if self.cluster.node(name) is not None:
            self.cluster.set_ready(name, True)

    def played(
        self,
        playbook: str,
        name: str,
        *,
        variables: Mapping[str, object],
        tags: Sequence[str],
    ) -> None:
        """Do to the box what the playbook would have done."""
        box = self.boxes[name]
        if variables.get("vxlan_settings"):
            box.inside = self.host(name).mgmt_ip
        if playbook == "provision" and not tags:
            node = self.cluster.node(name)
            if node is None or not node.ready:
                shown = base64.b64decode(str(variables[CERTIFICATE_VARIABLE]))
                self.cluster.join(name, certificate=shown.decode())
            if self.release.values is not None:
                self.land_agents(name)
        elif playbook == "retire":
            box.has_agents = False
        elif playbook == "recover":
            if "restart_services" in tags and self.cluster.node(name) is None:
                self.cluster.join(name)
                self.land_agents(name)
            if box.revived_by & set(tags):
                box.is_hung = False
            if {"reboot", "reset"} & set(tags):
                box.boot(at=self.clock.monotonic())
            if "power_off" in tags and not box.stays_on:
                self.power_off(name)

    def told_boot(self, name: str, result: PlaybookResult) -> PlaybookResult:
        """Return what the box says of its boot, if it answers."""
        box = self.boxes[name]
        if result.status != "successful" or box.answers():
            return replace(result, facts={BOOT_ID_FACT: box.boot_id})
        error = HostUnreachable(hostname=name, address=box.address, message="away")
        return replace(result, status="unreachable", error=error)

    def land_agents(self, name: str) -> None:
        """Do what the DaemonSets do with a node."""
        if self.cluster.node(name) is not None:
            self.cluster.add_agents(name)
            self.boxes[name].has_agents = True

    def start_gateway(self) -> None:
        """Let a gateway listen from now on."""
        self.gateway_is_up = True
        self._hand = ListeningClock()
        self._listening_since = None
        with self.database.writer() as connection:
            self._write_hearing(connection)

    def _write_hearing(self, connection: Connection) -> float:
        """Write what a gateway says of itself; return the listening clock."""
        clock = self._hand.advance(
            shared=hearing.shared_clock(connection), monotonic=self.clock.monotonic()
        )
        if self._listening_since is None:
            self._listening_since, self._incarnation = clock, str(uuid4())
        record = GatewayRecord(
            name="controller-0.gateway",
            incarnation=self._incarnation,
            clock=clock,
            listening_since=self._listening_since,
            complete=clock,
            gone_after=GONE_AFTER_SECONDS,
        )
        hearing.write(connection, record, now=self.clock.now())
        return clock

    def stop_gateway(self) -> None:
        """Let the gateway die."""
        self.gateway_is_up = False

    def _tick(self) -> None:
        self.beat_conductor()
        if not self.gateway_is_up:
            return
        now = self.clock.now()
        with self.database.writer() as connection:
            clock = self._write_hearing(connection)
            known = {h.hostname: h.id for h in hosts.list_all(connection)}
            for name, box in self.boxes.items():
                due = int(self.clock.monotonic()) % int(PERIOD_SECONDS) == 0
                awaited = box.beats == 0
                hears = (
                    box.answers()
                    and box.has_agents
                    and not (box.is_hung or box.udp_is_blocked)
                )
                if not hears or name not in known or not (due or awaited):
                    continue
                box.beats += 1
                beat = Heartbeat(
                    host_id=known[name],
                    last_heard_at=now,
                    period_seconds=PERIOD_SECONDS,
                    boot_id=box.boot_id,
                    uptime_seconds=int(self.clock.monotonic() - box.booted_at),
                    beats=box.beats,
                    heard_seconds=clock,
                    gateway="controller-0.gateway",
                )
                heartbeat.put(connection, [beat])
