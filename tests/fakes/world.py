# SPDX-License-Identifier: Apache-2.0
"""A whole deployment in one thread: boxes, their cluster, and one full controller or more.

Time is the test's: whoever waits moves it, and while it moves the boxes that are on and
connected beat. Runs are worked on by the real crews, in their threads; `settle` returns
when none is left. Nothing here decides anything that the product decides.

`World(database, controllers=2)` has two conductors, two gateways and two machines' links
over one database; what a world has once (`driver`, `crew`, `links`, `clock`, …) is the
first controller's.
"""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event as Flag
from typing import Any

from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.adapters.netlink.hub import HubPlan
from hummingbird.conductor.boot import BOOT_ID_FACT, LOOK_TAG
from hummingbird.conductor.crew import Crew
from hummingbird.conductor.membership import Membership
from hummingbird.conductor.neighbours import Neighbours, Patience
from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.repository import system
from hummingbird.db.session import Database
from hummingbird.domain.emn import Attachment
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import UUID_LABEL
from hummingbird.domain.provisioning import (
    CERTIFICATE_VARIABLE,
    UUID_VARIABLE,
    Settings,
)
from hummingbird.domain.run import Run, RunKind
from hummingbird.domain.tunnel import HubOptions
from hummingbird.errors import HostUnreachable, KubernetesRefused
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.agent import AgentReconciler
from hummingbird.secretbox import SecretBox
from tests.fakes.ansible_runner import FakeRunner
from tests.fakes.boards import FakeBoards
from tests.fakes.box import Box, WorldClock
from tests.fakes.bridges import FakeBridges
from tests.fakes.cluster import FakeCluster
from tests.fakes.controller import MAX_ATTEMPTS as MAX_ATTEMPTS
from tests.fakes.controller import PERIOD_SECONDS as PERIOD_SECONDS
from tests.fakes.controller import Controller, ControllerClock
from tests.fakes.hub import FakeHub
from tests.fakes.links import FakeLinks
from tests.fakes.window import Window

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
        super().__init__(clock=world.time)
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

    hub_options = HUB_OPTIONS
    hub_plan = HUB_PLAN

    def __init__(
        self,
        database: Database,
        *,
        patience: Patience = PATIENCE,
        controllers: int = 1,
    ) -> None:
        self.database = database
        self.time = WorldClock()
        self.box_of_secrets = SecretBox(b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        self.cluster = FakeCluster(clock=self.time)
        self.boxes: dict[str, Box] = {}
        self.runner = WorldRunner(self)
        self.boards = FakeBoards()
        self.release = FakeRelease(self)
        self.patience = patience
        self.settings = SETTINGS
        with database.writer() as connection:
            system.seed(
                connection, name="test", mn_cidr="192.168.204.0/24", now=self.time.now()
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
                now=self.time.now(),
            )
        self.controllers = [
            Controller(self, f"controller-{number}", number=number)
            for number in range(controllers)
        ]
        self.time.on_tick = self._tick
        for controller in self.controllers:
            controller.gateway.start()
            controller.look("lease", "link")

    # --- what there is once, of the first controller --------------------------------------

    @property
    def clock(self) -> ControllerClock:
        """Its time."""
        return self.controllers[0].clock

    @property
    def links(self) -> FakeLinks:
        """Its links."""
        return self.controllers[0].links

    @property
    def hub(self) -> FakeHub:
        """Its hub."""
        return self.controllers[0].hub

    @property
    def bridges(self) -> FakeBridges:
        """Its bridges."""
        return self.controllers[0].bridges

    @property
    def agent(self) -> AgentReconciler:
        """Who keeps the agents' release, there."""
        return self.controllers[0].agent

    @property
    def neighbours(self) -> Neighbours:
        """What its runs talk to."""
        return self.controllers[0].neighbours

    @property
    def driver(self) -> Driver:
        """Its reconcilers."""
        return self.controllers[0].driver

    @property
    def crew(self) -> Crew | None:
        """Its crew; None: its conductor does not live."""
        return self.controllers[0].crew

    @property
    def membership(self) -> Membership:
        """Its conductor's place among the living."""
        membership = self.controllers[0].membership
        assert membership is not None
        return membership

    # --- conductors -----------------------------------------------------------------------

    def start_conductor(self, name: str = "controller-0.conductor") -> Crew:
        """Let the first controller's conductor begin a life, by whatever name."""
        return self.controllers[0].start_conductor(name)

    def settle(self, *, timeout_seconds: float = 90.0) -> None:
        """Work on runs until none is queued or in hand."""
        if all(one.crew is None for one in self.controllers):
            self.start_conductor()
        crews = [
            one.crew
            for one in self.controllers
            if one.crew is not None and not one.is_frozen
        ]
        deadline = time.monotonic() + timeout_seconds
        while True:
            # First: what ends after this look leaves its host to those that wait.
            at_work = any([crew.in_hand() for crew in crews])
            if not any([crew.take_queued() for crew in crews]) and not at_work:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"runs in hand: {[c.in_hand() for c in crews]}")
            Flag().wait(0.002)

    def reconcile(self, *names: str) -> None:
        """Have reconcilers of each controller look once, in order; default: those that
        judge."""
        for controller in self.controllers:
            if controller.is_frozen:
                continue
            for name in (
                "lease",
                "link",
                *(names or ("liveness", "alarm", "recovery", "trace")),
            ):
                report = controller.driver.run_once(name)
                assert not any("Error" in failed for failed in report.outcome.failed), (
                    report
                )

    def live(self, seconds: float) -> None:
        """Let time pass, a second at a time, with all that looks each second."""
        left = seconds
        while left > 0:
            self.clock.advance(min(1.0, left))
            left -= 1.0
            self.reconcile()
            self.settle()

    def beat_conductor(self) -> None:
        """Let the first controller's conductor give its sign of life."""
        self.membership.beat()

    def end(self) -> None:
        """Stop every crew."""
        for controller in self.controllers:
            if controller.crew is not None:
                controller.crew.stop()

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
        box.boot(at=self.time.monotonic())
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
                box.node_labels = {UUID_LABEL: str(variables[UUID_VARIABLE])}
                self.cluster.join(
                    name, certificate=shown.decode(), labels=box.node_labels
                )
            if self.release.values is not None:
                self.land_agents(name)
        elif playbook == "retire":
            box.has_agents = False
        elif playbook == "recover":
            if "restart_services" in tags and self.cluster.node(name) is None:
                self.register(name)
                self.land_agents(name)
            if box.revived_by & set(tags):
                box.is_hung = False
            if {"reboot", "reset"} & set(tags):
                box.boot(at=self.time.monotonic())
            if "power_off" in tags and not box.stays_on:
                self.power_off(name)

    def told_boot(self, name: str, result: PlaybookResult) -> PlaybookResult:
        """Return what the box says of its boot, if it answers."""
        box = self.boxes[name]
        if result.status != "successful" or box.answers():
            return replace(result, facts={BOOT_ID_FACT: box.boot_id})
        error = HostUnreachable(hostname=name, address=box.address, message="away")
        return replace(result, status="unreachable", error=error)

    def register(self, name: str) -> None:
        """Do what a kubelet does at its start that finds no node of its own."""
        self.cluster.join(name, labels=self.boxes[name].node_labels)

    def land_agents(self, name: str) -> None:
        """Do what the DaemonSets do with a node."""
        if self.cluster.node(name) is not None:
            self.cluster.add_agents(name)
            self.boxes[name].has_agents = True

    @property
    def gateway_is_up(self) -> bool:
        """Whether the first controller's gateway lives."""
        return self.controllers[0].gateway.is_up

    def start_gateway(self) -> None:
        """Let the first controller's gateway listen from now on."""
        self.controllers[0].gateway.start()

    def stop_gateway(self) -> None:
        """Let it die."""
        self.controllers[0].gateway.die()

    def _tick(self) -> None:
        with self.database.reader() as connection:
            known = {h.hostname: h.id for h in hosts.list_all(connection)}
        for name, box in self.boxes.items():
            sends = box.answers() and box.has_agents and not box.is_hung
            if sends and not box.udp_is_blocked and name in known and self._is_due(box):
                self._beat(box, known[name])
        for controller in self.controllers:
            controller.tick()

    def _is_due(self, box: Box) -> bool:
        is_time = int(self.time.monotonic()) % int(PERIOD_SECONDS) == 0
        return is_time or box.beats == 0 or box.unanswered > 0

    def _beat(self, box: Box, host_id: int) -> None:
        """Send a beat where the box's agent believes that a gateway is; it goes elsewhere
        when it got no answer for a period."""
        there = self.controllers[box.gateway % len(self.controllers)]
        if len(self.controllers) > 1 and there.gateway.sends_elsewhere:
            box.gateway += 1
            there = self.controllers[box.gateway % len(self.controllers)]
        if (
            not there.gateway.is_up
            or there.is_frozen
            or not there.reaches(box.inside or box.address)
        ):
            box.unanswered += 1
            if box.unanswered >= PERIOD_SECONDS:
                box.gateway, box.unanswered = box.gateway + 1, 1
            return
        box.unanswered = 0
        box.beats += 1
        there.gateway.hear(
            Heartbeat(
                host_id=host_id,
                last_heard_at=there.clock.now(),
                period_seconds=PERIOD_SECONDS,
                boot_id=box.boot_id,
                uptime_seconds=int(self.time.monotonic() - box.booted_at),
                beats=1,
                heard_seconds=there.clock.monotonic(),
            )
        )
