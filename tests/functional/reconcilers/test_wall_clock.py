# SPDX-License-Identifier: Apache-2.0
"""Clocks are set and gateways end: no host that beats changes its state for it, and one
that dies meanwhile is found."""

from collections.abc import Callable

import pytest

from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunKind, RunState
from tests.fakes.controller import Controller
from tests.fakes.world import World

YEARS = 10 * 365 * 86400.0
STEPS = [60.0, -60.0, YEARS, -YEARS]
LOST = "200.005 host=edge-0.network=Management"


def is_untouched(world: World) -> bool:
    """Whether nothing happened to the host for it."""
    host = world.host("edge-0")
    return (
        (host.state, host.online) == (HostState.ENABLED, True)
        and world.standing() == {}
        and not world.runs("edge-0", RunKind.RECOVER)
    )


def live(world: World, seconds: int) -> bool:
    """Let time go by; return whether nothing happened to the host at any moment."""
    well = True
    for _ in range(seconds):
        world.clock.advance(1.0)
        world.reconcile("liveness", "alarm", "recovery")
        well = well and is_untouched(world)
    return well


def is_found(world: World) -> bool:
    """Pull the host's plug; return whether that is seen in time: after a step back by a
    minute later by as much at most, since what is younger than now is no age."""
    world.power_off("edge-0")
    world.clock.advance(120.0)
    world.reconcile("liveness", "alarm")
    return (
        world.host("edge-0").state is HostState.LOST
        and world.standing().get(LOST) == "critical"
    )


@pytest.fixture
def one(world: World) -> World:
    """A controller, and a host in service for a minute."""
    world.unlock("edge-0")
    world.settle()
    assert live(world, 35)
    return world


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_only_controllers_clock_makes_nobody_silent(
    one: World, step: float
) -> None:
    one.clock.step(step)
    assert live(one, 35)
    assert is_found(one)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("whose", [[0], [1], [0, 1]])
def test_nor_does_a_step_of_one_or_all_of_two(
    two: World, step: float, whose: list[int]
) -> None:
    two.boxes["edge-0"].gateway = 1  # not that of the controller whose conductor judges
    assert live(two, 12)
    for number in whose:
        two.controllers[number].clock.step(step)
    assert live(two, 25)
    assert is_found(two)


def kill(controller: Controller) -> None:
    controller.gateway.die()


def end(controller: Controller) -> None:
    controller.gateway.end()


@pytest.mark.parametrize("happen", [kill, end])
def test_the_end_of_a_gateway_makes_nobody_silent(
    two: World, happen: Callable[[Controller], None]
) -> None:
    assert live(two, 12)
    happen(two.controllers[0])
    assert live(two, 60)
    assert is_found(two)


@pytest.mark.parametrize("then", ["comes back", "dies"])
def test_a_gateway_without_its_database_makes_nobody_silent(
    two: World, then: str
) -> None:
    """The other machine's gateway, to which the host talks, can't write for two minutes."""
    other = two.controllers[1]
    two.boxes["edge-0"].gateway = 1
    assert live(two, 12)
    other.gateway_cable.is_cut = True
    assert live(two, 120)
    if then == "comes back":
        other.gateway_cable.is_cut = False
    else:
        other.gateway.die()
    assert live(two, 40)
    assert is_found(two)


@pytest.fixture
def far(two: World) -> World:
    """Two controllers of which the first runs what there is to do, and the second's
    gateway hears the host."""
    two.boxes["edge-0"].gateway = 1
    return two


@pytest.mark.parametrize("step", [YEARS, -YEARS])
def test_a_run_hears_its_host_by_a_gateway_with_another_clock(
    far: World, step: float
) -> None:
    far.controllers[1].clock.step(step)
    assert live(far, 12)
    far.lock("edge-0")
    far.settle()
    far.unlock("edge-0")
    far.settle()
    assert far.run("edge-0").state is RunState.SUCCEEDED, far.run("edge-0").error
    assert far.host("edge-0").state is HostState.ENABLED


@pytest.mark.parametrize("step", [60.0, -60.0])
def test_a_host_is_cured_by_what_is_heard_after_it(far: World, step: float) -> None:
    """Not by a beat from before, whatever time the gateway wrote at it."""
    far.controllers[1].clock.step(step)
    assert live(far, 12)
    box = far.boxes["edge-0"]
    box.is_hung, box.revived_by = True, frozenset({"reboot"})
    before = box.boot_id
    far.live(120)
    tried = [(run.rung, run.state) for run in far.runs("edge-0", RunKind.RECOVER)]
    assert ("restart_services", RunState.SUCCEEDED) not in tried, "it cured nothing"
    assert tried[-1] == ("reboot", RunState.SUCCEEDED)
    assert box.boot_id != before
    assert far.host("edge-0").state is HostState.ENABLED
