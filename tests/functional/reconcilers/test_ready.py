# SPDX-License-Identifier: Apache-2.0
"""To be available a host must be heard, and its node Ready."""

from hummingbird.domain.host_state import HostState
from tests.fakes.world import World

NOT_READY = {"200.006 host=edge-0.process=kubelet": "major"}


def test_a_heard_host_whose_node_is_not_ready_is_degraded(world: World) -> None:
    world.in_service("edge-1", "192.168.204.102")
    world.unlock("edge-0")
    world.settle()
    world.cluster.set_ready("edge-0", False)
    world.clock.advance(30)
    world.reconcile("node", "liveness", "alarm")
    assert world.host("edge-0").state is HostState.DEGRADED
    assert world.standing() == NOT_READY
    world.stop_gateway()
    world.live(60)
    world.start_gateway()
    world.cluster.away = True
    world.live(60)
    world.driver.run_once("node")
    world.reconcile("liveness", "alarm")
    assert world.host("edge-0").state is HostState.DEGRADED
    assert world.standing() == NOT_READY, "Kubernetes away changes nothing"
    world.cluster.away = False
    world.cluster.set_ready("edge-0", True)
    world.clock.advance(30)
    world.reconcile("node", "liveness", "alarm")
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.standing() == {}


def test_an_unlock_that_fails_for_its_node_does_not_become_available(
    world: World,
) -> None:
    world.unlock("edge-0")
    world.settle()
    world.lock("edge-0")
    world.settle()
    world.cluster.set_ready("edge-0", False)
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.LOST
    world.live(15)
    assert world.host("edge-0").state is HostState.DEGRADED
    assert world.standing() == NOT_READY
