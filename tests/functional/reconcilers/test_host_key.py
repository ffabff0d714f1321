# SPDX-License-Identifier: Apache-2.0
"""A host that shows another SSH host key than is pinned is an alarm, 200.011."""

import pytest

from hummingbird.db.repository import condition
from hummingbird.db.repository import host as hosts
from hummingbird.domain.run import RunKind
from tests.fakes.ansible_runner import Outcome
from tests.fakes.world import World

ALARM = {"200.011 host=edge-0.ssh=hostkey": "critical"}


@pytest.fixture
def changed(world: World) -> World:
    """A host in service, that shows another key when it is provisioned again."""
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    provision_again(world)
    world.runner.script("provision", Outcome(key_changed=True))
    world.unlock("edge-0")
    world.settle()
    world.reconcile("alarm")
    return world


def provision_again(world: World) -> None:
    change(world, provisioned_plan=None)


def change(world: World, **values: object) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), **values)


def test_another_key_is_an_alarm_until_it_is_forgotten(changed: World) -> None:
    assert changed.standing() == ALARM
    assert changed.run("edge-0").error_code == "hummingbird.host.key_changed"
    change(changed, known_hosts=None)
    changed.reconcile("alarm")
    assert changed.standing() == {}


def test_the_pinned_key_seen_again_clears_it(changed: World) -> None:
    changed.unlock("edge-0")
    changed.settle()
    changed.reconcile("alarm")
    assert changed.standing() == {}


def test_a_host_that_goes_takes_its_alarm_along(changed: World) -> None:
    changed.ask("edge-0", RunKind.RETIRE, None)
    with changed.database.writer() as connection:
        hosts.remove(connection, changed.host("edge-0").id)
    changed.reconcile("alarm")
    assert changed.standing() == {}


def test_what_was_held_to_a_pin_that_is_gone_says_nothing(world: World) -> None:
    change(world, known_hosts="edge-0 ssh-ed25519 NEW")
    host_id = world.host("edge-0").id
    with world.database.writer() as connection:
        condition.put_host_key(
            connection,
            host_id,
            pinned="edge-0 ssh-ed25519 OLD",
            is_known=False,
            observer="trace",
            now=world.clock.now(),
        )
        assert condition.key_changed(connection) == set()
