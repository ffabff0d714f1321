# SPDX-License-Identifier: Apache-2.0
"""Lock and force-lock: cordoned, drained, and never held up by an absent host."""

import pytest

from hummingbird.domain.host_state import HostState
from hummingbird.domain.run import RunState
from tests.fakes.cluster import FakePod
from tests.fakes.world import World


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()


def pod(world: World, *, held: bool = False) -> None:
    world.cluster.add_pod(
        FakePod(namespace="default", name="app", node="edge-0", held=held)
    )


def is_cordoned(world: World) -> bool:
    node = world.cluster.node("edge-0")
    return node is not None and node.unschedulable


def test_a_lock_drains_and_shows_on_the_node(world: World) -> None:
    pod(world)
    world.lock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.LOCKED
    assert is_cordoned(world)
    assert not [p for p in world.cluster.pods if p.name == "app"]
    node = world.cluster.node("edge-0")
    assert node is not None
    assert node.labels["hummingbird.starlingx.io/administrative"] == "locked"
    assert "200.022 log edge-0 is now 'disabled'" in world.log()


def test_a_pod_that_may_not_go_holds_a_lock_up_only_so_long(world: World) -> None:
    pod(world, held=True)
    began = world.clock.monotonic()
    world.lock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.LOCKED
    assert 30 <= world.clock.monotonic() - began < 40
    told = [e.message for e in world.events(world.run("edge-0"))]
    assert any("default/app" in message for message in told)


def test_a_host_that_is_gone_is_locked_at_once(world: World) -> None:
    pod(world)
    world.power_off("edge-0")
    began = world.clock.monotonic()
    world.lock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.LOCKED
    assert world.clock.monotonic() - began < 5


def test_a_lock_without_kubernetes_fails_and_the_host_stays_in_service(
    world: World,
) -> None:
    world.cluster.away = True
    world.lock("edge-0")
    world.settle()
    run = world.run("edge-0")
    assert (run.state, run.error_code) == (
        RunState.FAILED,
        "hummingbird.kubernetes.unavailable",
    )
    assert world.host("edge-0").state is HostState.ENABLED
    world.cluster.away = False
    world.reconcile("node")
    assert world.host("edge-0").state is HostState.ENABLED
    assert not is_cordoned(world)


def test_a_force_lock_needs_neither_pods_nor_kubernetes(world: World) -> None:
    pod(world, held=True)
    world.cluster.away = True
    began = world.clock.monotonic()
    world.lock("edge-0", force=True)
    world.settle()
    assert world.host("edge-0").state is HostState.LOCKED
    assert world.clock.monotonic() - began < 2
    world.cluster.away = False
    world.reconcile("node")
    assert is_cordoned(world)
