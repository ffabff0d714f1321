# SPDX-License-Identifier: Apache-2.0
"""Who holds a run: restarts, deaths, peers, and a conductor that was thought dead."""

import pytest

from hummingbird.conductor.membership import LeaseLost, Membership, NameTaken
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import process
from hummingbird.db.repository import run as runs
from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import Run, RunState
from hummingbird.evaluation.life_signs import LifeSigns
from tests.fakes.world import World


@pytest.fixture
def world(world_on_each: World) -> World:
    """Who holds a run is decided by transactions."""
    return world_on_each


def die_in(world: World, step: str) -> Run:
    """Let a conductor claim a run and vanish before `step`; return the run."""
    world.runner.hold("edge-0", step)
    world.unlock("edge-0")
    crew = world.start_conductor()
    crew.take_queued()
    world.runner.wait_until_held("edge-0", step)
    # The threads of a killed process write nothing more; the runner would be dead too.
    crew.fenced.set()
    world.runner.release("edge-0", step)
    crew.fence()
    run = world.run("edge-0")
    assert run.state is RunState.RUNNING
    assert world.host("edge-0").reservation_owner == crew.owner
    return run


@pytest.mark.parametrize("step", ["node_config", "kubernetes_node", "agents"])
def test_a_restart_takes_its_former_selfs_run_over(world: World, step: str) -> None:
    run = die_in(world, step)
    world.start_conductor()
    assert world.run(run.uuid).state is RunState.QUEUED
    assert world.host("edge-0").reservation_owner is None
    world.settle()
    again = world.run(run.uuid)
    assert (again.state, again.attempt) == (RunState.SUCCEEDED, 2)
    assert world.host("edge-0").state is HostState.ENABLED


def test_a_resumed_step_says_so(world: World) -> None:
    run = die_in(world, "kubernetes_node")
    world.start_conductor()
    world.settle()
    told = {e.step: e.message for e in world.events(run) if e.state == "running"}
    assert told["container_runtime"] == "resumed: attempt 2", "the last step that began"
    assert told["images"] == ""


def test_a_peer_takes_over_when_the_lease_is_out(world: World) -> None:
    run = die_in(world, "images")
    dead = world.crew
    world.start_conductor("controller-1.conductor")
    world.driver.run_once("orphan")
    assert world.run(run.uuid).state is RunState.RUNNING, "its lease is not out yet"
    world.clock.advance(31)
    world.driver.run_once("orphan")
    assert dead is not None
    assert world.run(run.uuid).state is RunState.QUEUED
    assert world.host("edge-0").reservation_owner is None
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED


@pytest.mark.parametrize("by", ["peer", "restart"])
def test_a_run_that_kills_every_conductor_is_failed(world: World, by: str) -> None:
    run = die_in(world, "images")
    for attempt in (2, 3):
        world.runner.hold("edge-0", "images")
        crew = world.start_conductor()
        assert world.run(run.uuid).attempt == attempt
        crew.take_queued()
        world.runner.wait_until_held("edge-0", "images")
        crew.fenced.set()
        world.runner.release("edge-0", "images")
        crew.fence()
    if by == "peer":
        world.start_conductor("controller-1.conductor")
        world.driver.run_once("orphan")
        world.clock.advance(31)
        world.driver.run_once("orphan")
    else:
        world.start_conductor()
    ended = world.run(run.uuid)
    assert ended.state is RunState.FAILED
    assert ended.error_code == "hummingbird.run.too_many_takeovers"
    host = world.host("edge-0")
    assert (host.state, host.reservation_owner) == (HostState.PROVISION_FAILED, None)


def test_a_graceful_stop_gives_the_run_back_uncounted(world: World) -> None:
    world.runner.hold("edge-0", "images")
    run = world.unlock("edge-0")
    crew = world.start_conductor()
    crew.take_queued()
    world.runner.wait_until_held("edge-0", "images")
    crew.stopping.set()
    crew.stop()
    given_back = world.run(run.uuid)
    assert (given_back.state, given_back.attempt) == (RunState.QUEUED, 1)
    host = world.host("edge-0")
    assert (host.state, host.reservation_owner) == (HostState.PROVISIONING, None)
    world.runner.release("edge-0", "images")
    world.start_conductor()
    world.settle()
    assert world.run(run.uuid).state is RunState.SUCCEEDED


def test_a_conductor_thought_dead_writes_nothing_more(world: World) -> None:
    world.runner.hold("edge-0", "images")
    run = world.unlock("edge-0")
    old = world.start_conductor()
    old.take_queued()
    world.runner.wait_until_held("edge-0", "images")
    with world.database.writer() as connection:
        runs.requeue(connection, runs.find(connection, run.uuid))
        hosts.release_all(connection, owner=old.owner)
    events_before = len(world.events(run))
    world.runner.release("edge-0", "images")
    while old.in_hand():
        pass
    left = world.run(run.uuid)
    assert (left.state, left.owner) == (RunState.QUEUED, None)
    assert world.host("edge-0").state is HostState.PROVISIONING
    assert len(world.events(run)) == events_before


def test_a_second_process_of_a_name_ends_the_first(world: World) -> None:
    first = Membership(
        world.database, clock=world.clock, name="c", lease_seconds=30.0, max_attempts=3
    )
    first.join()
    first.beat()
    second = Membership(
        world.database, clock=world.clock, name="c", lease_seconds=30.0, max_attempts=3
    )
    second.join()
    second.beat()
    with pytest.raises(NameTaken):
        first.beat()


def test_a_beat_that_comes_too_late_is_a_lost_lease(world: World) -> None:
    member = Membership(
        world.database, clock=world.clock, name="c", lease_seconds=30.0, max_attempts=3
    )
    member.join()
    world.clock.advance(23)
    member.beat()
    assert not member.fence.is_set()
    world.clock.advance(24)
    assert member.fence.is_set(), "by its own clock, whether or not it beats"
    with pytest.raises(LeaseLost):
        member.beat()


def test_a_step_of_the_wall_clock_kills_nobody(world: World) -> None:
    run = die_in(world, "images")
    world.start_conductor("controller-1.conductor")
    world.driver.run_once("orphan")
    world.clock.step(3600.0)
    world.driver.run_once("orphan")
    assert world.run(run.uuid).state is RunState.RUNNING
    world.clock.step(-7200.0)
    world.clock.advance(31)
    world.driver.run_once("orphan")
    assert world.run(run.uuid).state is RunState.QUEUED


def test_an_observer_that_was_frozen_takes_nobody_for_dead(world: World) -> None:
    signs = LifeSigns(lease_seconds=30.0)
    peer = Membership(
        world.database, clock=world.clock, name="c", lease_seconds=30.0, max_attempts=3
    )
    peer.join()

    def look() -> list[str]:
        asked_at = world.clock.monotonic()
        with world.database.reader() as connection:
            seen = process.list_all(connection, kind="conductor")
        return [one.name for one in signs.alive(seen, asked_at=asked_at)]

    assert look() == ["c"]
    for _ in range(20):
        world.clock.advance(20)
        peer.beat()
    assert look() == ["c"], "it has beaten while nobody looked"
    world.clock.advance(31)
    assert look() == []


def test_a_run_that_lost_its_thread_is_taken_up_again(world: World) -> None:
    run = die_in(world, "images")
    assert world.crew is not None
    world.driver.run_once("orphan")
    assert world.run(run.uuid).state is RunState.QUEUED
