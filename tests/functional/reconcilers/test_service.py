# SPDX-License-Identifier: Apache-2.0
"""A process of ours that falls silent is an alarm until it is back or deleted; a nudge
reaches the conductor that acts."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from hummingbird.clock import SystemClock
from hummingbird.conductor.service import ConductorService
from hummingbird.db.repository import link as links
from hummingbird.db.repository import process
from hummingbird.db.session import Database
from hummingbird.domain.observation import LinkSeen
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.lease import FleetLease, Led
from tests.fakes.world import World

GATEWAY = (
    "400.001 service_domain=hummingbird.service_group=hummingbird-gateway:2131"
    ".host=controller-1"
)
CONDUCTOR = (
    "400.001 service_domain=hummingbird.service_group=hummingbird-conductor"
    ".host=controller-1"
)


def live(world: World, seconds: float) -> None:
    """Let time pass, with all that looks at processes each ten seconds."""
    for _ in range(int(seconds / 10)):
        world.clock.advance(10)
        world.controllers[0].look("lease", "service", "alarm")


def known(world: World) -> dict[str, process.Process]:
    with world.database.reader() as connection:
        return {one.name: one for one in process.everything(connection)}


@pytest.fixture
def both(two: World) -> World:
    """Two controllers, each with a conductor that lives."""
    for controller in two.controllers:
        if controller.crew is None:
            controller.start_conductor()
    live(two, 20)
    assert two.standing() == {}
    return two


def test_who_is_frozen_is_an_alarm_with_its_observer_until_it_is_back(
    both: World,
) -> None:
    both.controllers[1].is_frozen = True
    live(both, 50)
    assert both.standing() == {}
    live(both, 30)
    assert both.standing() == {GATEWAY: "major", CONDUCTOR: "major"}
    assert (
        known(both)["controller-1.conductor"].down_observer == "controller-0.conductor"
    )
    # Another one that begins to act sees it no later, and not as if it were back.
    both.controllers[0].restart()
    live(both, 20)
    assert both.standing() == {GATEWAY: "major", CONDUCTOR: "major"}
    both.controllers[1].is_frozen = False
    both.controllers[1].start_conductor()
    both.controllers[1].gateway.write()
    live(both, 10)
    assert both.standing() == {}


def test_who_ended_in_order_and_does_not_come_back_is_an_alarm_too(both: World) -> None:
    both.controllers[1].stop_conductor()
    both.controllers[1].crew = both.controllers[1].membership = None
    assert known(both)["controller-1.conductor"].farewell
    live(both, 50)
    assert both.standing() == {}, "one that is restarted is none"
    live(both, 30)
    assert both.standing() == {CONDUCTOR: "major"}


def test_a_step_of_anybodys_wall_clock_is_no_silence(both: World) -> None:
    both.controllers[1].clock.step(-86400)
    live(both, 30)
    both.controllers[0].clock.step(86400)
    live(both, 60)
    assert both.standing() == {}


def test_one_that_is_deleted_takes_its_alarm_and_its_links_along(both: World) -> None:
    with both.database.writer() as connection:
        seen = LinkSeen(
            controller="controller-1", name="eth9", up_since=None, changed_seconds=None
        )
        links.put(connection, [seen], controller="controller-1")
    both.controllers[1].is_frozen = True
    live(both, 90)
    assert "100.109 host=controller-1.interface=eth9" in both.standing()
    for one in known(both).values():
        if one.down_since is not None:
            with both.database.writer() as connection:
                assert process.remove(connection, one)
    live(both, 10)
    assert both.standing() == {}


def test_one_that_gives_a_sign_meanwhile_is_not_deleted(both: World) -> None:
    seen = known(both)["controller-1.conductor"]
    both.clock.advance(1)
    with both.database.writer() as connection:
        assert not process.remove(connection, seen)
        assert not process.note_down(
            connection, seen, observer="x", now=both.clock.now() + timedelta(1)
        )


@dataclass
class Watched:
    """A reconciler of the fleet that counts its looks."""

    name: str = "node"
    period_seconds: float = 30.0
    looks: list[int] = field(default_factory=list)

    def reconcile(self) -> Outcome:
        self.looks.append(1)
        return Outcome()


def test_a_nudge_at_one_that_does_not_act_reaches_the_one_that_does(
    database: Database,
) -> None:
    """Two conductors; a run ends on the second, the lease is the first's."""
    clock = SystemClock()
    drivers: list[Driver] = []
    looked = [Watched(), Watched()]
    leases = [
        FleetLease(database, clock=clock, owner=f"c{n}.conductor", seconds=300.0)
        for n in range(2)
    ]
    for lease, one in zip(leases, looked, strict=True):
        lease.reconcile()
        drivers.append(
            Driver(
                [Led(one, lease=lease)],
                clock=clock,
                acts=lambda _name, lease=lease: lease.is_held(),
            )
        )
    nudged: list[tuple[int, str]] = []

    def fanout(name: str) -> None:
        for number, service in enumerate(services):
            nudged.append((number, name))
            service.nudge(name)

    services = [_service(driver, fanout) for driver in drivers]
    assert (leases[0].is_held(), leases[1].is_held()) == (True, False)
    services[1].hurry("node")
    assert nudged == [(0, "node"), (1, "node")], "once, and not from one to the other"
    assert drivers[0]._places["node"].nudged.is_set()
    nudged.clear()
    services[0].hurry("node")
    services[1].hurry("nobody's")
    assert nudged == [], "one that acts needs nobody"


def _service(driver: Driver, fanout: object) -> ConductorService:
    service = object.__new__(ConductorService)
    service._driver, service._pass_on = driver, fanout  # type: ignore[assignment]
    service._crew = None
    return service
