# SPDX-License-Identifier: Apache-2.0
"""One full controller of a World: clock, links, gateway, reconcilers, and a crew."""

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hummingbird.conductor.crew import Crew
from hummingbird.conductor.membership import Membership
from hummingbird.conductor.neighbours import VXLAN_OPTIONS, Neighbours
from hummingbird.db.session import Database
from hummingbird.domain.recovery import Limits
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.own_links import OwnLinks
from hummingbird.reconcilers import registry
from hummingbird.reconcilers.base import Reconciler
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.agent import AgentReconciler
from hummingbird.reconcilers.fleet.lease import Led
from hummingbird.reconcilers.fleet.plan import PlanReconciler
from hummingbird.reconcilers.machine.tunnel import TunnelReconciler
from hummingbird.reconcilers.machine.vxlan import VxlanReconciler
from tests.fakes.box import WorldClock
from tests.fakes.bridges import FakeBridges
from tests.fakes.cable import CabledDatabase
from tests.fakes.gateway import FLUSH_SECONDS, FakeGateway
from tests.fakes.hub import FakeHub
from tests.fakes.links import FakeLinks
from tests.fakes.world_trace import WorldTracer

if TYPE_CHECKING:
    from tests.fakes.world import World

PERIOD_SECONDS = 10.0
MAX_ATTEMPTS = 3
FLEET_LEASE_SECONDS = 6.0


class ControllerClock:
    """The world's time as one machine has it: its wall clock may be set."""

    def __init__(self, world: WorldClock, *, started: float = 0.0) -> None:
        """:param started: what its monotonic clock shows when the world's shows 0."""
        self._world = world
        self._started = started
        self.wall_offset = timedelta()

    def now(self) -> datetime:
        return self._world.now() + self.wall_offset

    def monotonic(self) -> float:
        return self._world.monotonic() + self._started

    def wait(self, event: threading.Event, *, seconds: float) -> bool:
        return self._world.wait(event, seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move the world's time."""
        self._world.advance(seconds)

    def step(self, seconds: float) -> None:
        """Set the wall clock by so much."""
        self.wall_offset += timedelta(seconds=seconds)


class Controller:
    """One of the machines that the hosts are run from."""

    def __init__(self, world: "World", name: str, *, number: int) -> None:
        self.world = world
        self.name = name
        self.clock = ControllerClock(world.time, started=1000.0 * number)
        self.cable = CabledDatabase(world.database)
        self.database: Database = self.cable
        self.gateway_cable = CabledDatabase(self.cable)
        """The gateway's own way to it."""
        self.is_frozen = False
        """Its processes are stopped; the world goes on."""
        self.links = _links(address=f"192.168.204.{2 + number}")
        self.hub = FakeHub()
        self.bridges = FakeBridges()
        self.gateway = FakeGateway(
            self.gateway_cable, name=f"{name}.gateway.2131", clock=self.clock
        )
        self.crew: Crew | None = None
        self.membership: Membership | None = None
        self.agent = AgentReconciler(
            self.database,
            clock=self.clock,
            cluster=world.cluster,
            release=world.release,
            namespace="hummingbird",
            name="hummingbird-agents",
            version="1",
            values=lambda: {"gateway": {"address": "192.168.204.2"}},
            period_seconds=30.0,
        )
        self.neighbours = self._neighbours()
        self.driver = self._driver()

    def _neighbours(self) -> Neighbours:
        world = self.world
        return Neighbours(
            database=self.database,
            clock=self.clock,
            box=world.box_of_secrets,
            runner=world.runner,
            cluster=world.cluster,
            probe=world.probe,
            boards=world.boards,
            ensure_agents=self.agent.ensure,
            settings=lambda: world.settings,
            agents_namespace="hummingbird",
            patience=world.patience,
            look=lambda name: self.look(name),
            hub_options=world.hub_options,
            links=self.links,
            controller=self.name,
        )

    def _driver(self) -> Driver:
        world = self.world
        observer = FleetObserver(
            database=self.database,
            clock=self.clock,
            own_links=OwnLinks(
                self.database, links=self.links, clock=self.clock, controller=self.name
            ),
            period_seconds=PERIOD_SECONDS,
            gateway_flush_seconds=FLUSH_SECONDS,
        )
        return registry.build(
            registry.Parts(
                observer=observer,
                cluster=world.cluster,
                agent=self.agent,
                box=world.box_of_secrets,
                probe=world.probe,
                boards=world.boards,
                board_check_seconds=300.0,
                limits=Limits(),
                board_reset=True,
                recovery_enabled=True,
                probe_seconds=15.0,
                liveness_seconds=1.0,
                lease_seconds=world.patience.lease,
                max_attempts=MAX_ATTEMPTS,
                process=f"{self.name}.conductor",
                fleet_lease_seconds=FLEET_LEASE_SECONDS,
                in_hand=self._in_hand,
                nudge_runs=lambda: None,
                fleet=lambda fenced: (
                    WorldTracer(world),
                    PlanReconciler(
                        fenced, cluster=world.cluster, settings=lambda: world.settings
                    ),
                ),
                machine=(
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
                        box=world.box_of_secrets,
                        hub=self.hub,
                        plan=world.hub_plan,
                        period_seconds=10.0,
                        controller=self.name,
                    ),
                ),
            )
        )

    def start_conductor(self, name: str | None = None) -> Crew:
        """Let a conductor of this name begin a life; its loop is the world's."""
        self.membership = Membership(
            self.database,
            clock=self.clock,
            name=name or f"{self.name}.conductor",
            lease_seconds=self.world.patience.lease,
            max_attempts=MAX_ATTEMPTS,
        )
        self.membership.join()
        self.crew = Crew(
            self.neighbours, membership=self.membership, workers=8, poll_seconds=2.0
        )
        return self.crew

    def restart(self) -> None:
        """Begin a new life of the conductor: its reconcilers remember nothing."""
        if self.crew is not None:
            self.crew.fence()
            self.crew = None
        self.driver = self._driver()

    def stop_conductor(self) -> None:
        """End in order."""
        if self.crew is not None:
            self.crew.stop()
            self.crew = None
        if self.membership is not None:
            self.membership.leave()
        self.driver.stop()

    def look(self, *names: str) -> None:
        """Have reconcilers look once, in order; a frozen machine's don't."""
        for name in () if self.is_frozen else names:
            self.driver.run_once(name)

    def reconciler(self, name: str) -> Reconciler:
        """Return a reconciler itself, for who looks inside."""
        found = self.driver._places[name].reconciler
        return found.reconciler if isinstance(found, Led) else found

    def tick(self) -> None:
        """Do what this machine's processes do each second."""
        if self.is_frozen:
            return
        if self.crew is not None and self.membership is not None:
            self.membership.beat()
        if self.gateway.is_up:
            self.gateway.write()

    def reaches(self, address: str) -> bool:
        """Whether no link of ours that is down stands between this machine and an address."""
        link = self.links.towards(address)
        return link is None or link.up

    def _in_hand(self) -> tuple[str, frozenset[int]]:
        if self.crew is None:
            return "", frozenset()
        return self.crew.owner, self.crew.in_hand()


def _links(*, address: str) -> FakeLinks:
    links = FakeLinks()
    links.add("mgmt0")
    for network in ("192.168.204.0/24", "10.20.0.0/24"):
        links.add_route(network, link="mgmt0", source=address)
    return links
