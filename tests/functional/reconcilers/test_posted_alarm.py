# SPDX-License-Identifier: Apache-2.0
"""Alarms that clients of the API posted, beside those that a rule raises."""

from hummingbird.db.repository import alarm as alarms
from hummingbird.domain.alarm import Alarm, heartbeat_lost, recovery_given_up
from tests.fakes.world import World

LOST = "200.005 host=edge-0.network=Management"


def _post(world: World, alarm: Alarm) -> None:
    with world.database.writer() as connection:
        alarms.put(connection, alarm, now=world.clock.now(), posted=True)


def test_an_alarm_that_somebody_posted_stands_until_he_clears_it(world: World) -> None:
    _post(world, recovery_given_up("edge-7"))
    report = world.driver.run_once("alarm")
    assert report.outcome.changed == ()
    assert world.standing() == {"200.004 host=edge-7": "critical"}


def test_a_posted_alarm_that_is_true_becomes_ours_and_ends_with_its_cause(
    world: World,
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.live(2)
    _post(world, heartbeat_lost("edge-0", critical=True))
    world.power_off("edge-0")
    world.clock.advance(40)
    world.reconcile("liveness", "alarm")
    assert world.standing() == {LOST: "critical"}
    world.power_on("edge-0")
    world.clock.advance(11)
    world.reconcile("liveness", "alarm")
    assert world.standing() == {}
