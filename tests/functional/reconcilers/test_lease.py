# SPDX-License-Identifier: Apache-2.0
"""One conductor at a time acts for the fleet; who is replaced writes nothing more."""

import time

import pytest

from hummingbird.clock import ManualClock
from hummingbird.db.repository import lease as leases
from hummingbird.db.session import Database
from hummingbird.domain.host_state import HostState
from hummingbird.errors import DatabaseUnavailable, LeaseNotHeld
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.fleet.lease import FLEET, FleetLease
from tests.fakes.controller import FLEET_LEASE_SECONDS, Controller
from tests.fakes.world import World
from tests.postgresql_server import MIGRATED, PostgresqlServer

LOST = "200.005 host=edge-0.network=Management"


def lease(controller: Controller) -> FleetLease:
    found = controller.reconciler("lease")
    assert isinstance(found, FleetLease)
    return found


def holders(world: World) -> list[str]:
    return [one.name for one in world.controllers if lease(one).is_held()]


def pass_seconds(world: World, seconds: int) -> list[list[str]]:
    """Let time pass with leases looked after; return who held it, second by second."""
    held = []
    for _ in range(seconds):
        world.clock.advance(1)
        for controller in world.controllers:
            controller.look("lease")
        held.append(holders(world))
    return held


def told(world: World, alarm_id: str) -> list[str]:
    """Return the words of the event log on an alarm: set, clear."""
    return [line.split()[1] for line in world.log() if line.startswith(alarm_id)]


def test_one_holds_it_and_keeps_it(two: World) -> None:
    assert pass_seconds(two, 60) == [["controller-0"]] * 60


def test_only_the_holder_looks(two: World) -> None:
    first, second = two.controllers
    two.power_off("edge-0")
    two.clock.advance(40)
    assert second.driver.run_once("liveness").outcome == Outcome()
    assert two.host("edge-0").state is HostState.ENABLED
    first.look("lease", "liveness")
    assert two.host("edge-0").state is HostState.LOST


def test_one_event_is_one_line_whoever_looks(two: World) -> None:
    two.power_off("edge-0")
    two.live(60)
    assert two.standing()[LOST] == "critical"
    assert told(two, "200.005") == ["set", "set"], "major, then critical"


def test_a_holder_that_dies_is_followed_after_the_lease_and_a_look(two: World) -> None:
    two.controllers[0].is_frozen = True
    held = []
    for _ in range(12):
        two.clock.advance(1)
        two.controllers[1].look("lease")
        held.append(lease(two.controllers[1]).is_held())
    assert held.index(True) <= FLEET_LEASE_SECONDS


def test_a_holder_that_stops_is_followed_at_the_next_look(two: World) -> None:
    two.controllers[0].stop_conductor()
    two.controllers[1].look("lease")
    assert lease(two.controllers[1]).is_held()


def test_a_holder_that_starts_again_has_it_at_once(two: World) -> None:
    first = two.controllers[0]
    before = lease(first).epoch
    first.restart()
    first.look("lease")
    assert holders(two) == ["controller-0"]
    assert lease(first).epoch == before + 1


def test_a_holder_without_its_database_stops_before_another_begins(two: World) -> None:
    two.controllers[0].cable.is_cut = True
    both = [len(held) for held in pass_seconds(two, 20)]
    assert max(both) == 1 and both[-1] == 1
    assert holders(two) == ["controller-1"]
    two.controllers[0].cable.is_cut = False
    assert pass_seconds(two, 20) == [["controller-1"]] * 20


def test_a_holder_that_freezes_inside_a_transaction_loses_it(
    postgresql_server: PostgresqlServer,
) -> None:
    """On PostgreSQL, whose server ends a transaction that is idle for the lease's length;
    on SQLite all who write wait for one who is frozen, since it is one machine's."""
    postgresql_server.empty()
    database = Database(postgresql_server.url(MIGRATED))
    clock = ManualClock()
    one, other = (
        FleetLease(database, clock=clock, owner=name, seconds=1.0)
        for name in ("one", "other")
    )
    one.reconcile()
    other.reconcile()
    with (
        pytest.raises(DatabaseUnavailable),
        one.fenced(database).writer() as connection,
    ):
        leases.find(connection, FLEET)
        clock.advance(2)
        other.reconcile()
        assert not other.is_held(), "it is in the middle of something"
        deadline = time.monotonic() + 60
        while not other.is_held():
            assert time.monotonic() < deadline
            other.reconcile()
            time.sleep(0.05)
    database.dispose()


def test_what_was_decided_before_a_replacement_is_not_written_after_it(
    two: World,
) -> None:
    first, second = two.controllers
    taken = lease(first)._held
    assert taken is not None
    first.is_frozen = True
    for _ in range(10):
        two.clock.advance(1)
        second.look("lease")
    assert lease(second).is_held()
    # Its own clock stood still with it.
    lease(first)._until = float("inf")
    assert lease(first).is_held()
    with (
        pytest.raises(LeaseNotHeld),
        lease(first).fenced(first.database).writer() as connection,
    ):
        leases.release(connection, taken)
    two.power_off("edge-0")
    two.clock.advance(40)
    report = first.driver.run_once("liveness")
    assert report.outcome.failed == (str(LeaseNotHeld(lease=FLEET)),)
    assert two.host("edge-0").state is HostState.ENABLED
    second.look("lease", "liveness")
    assert two.host("edge-0").state is HostState.LOST


def test_the_alarm_of_a_link_is_its_own_controllers(two: World) -> None:
    """The other one, whose link is up, neither raises nor clears it."""
    link = "100.109 host={}.interface=mgmt0"
    for number, controller in enumerate(two.controllers):
        before = len(told(two, "100.109"))
        controller.links.set_up("mgmt0", False)
        two.live(30)
        assert two.standing() == {link.format(f"controller-{number}"): "critical"}
        controller.links.set_up("mgmt0", True)
        two.live(30)
        assert two.standing() == {}
        assert told(two, "100.109")[before:] == ["set", "clear"]
    assert two.host("edge-0").state is HostState.ENABLED
