# SPDX-License-Identifier: Apache-2.0
"""What is known of a host: facts apart, each with its observer, written where it changes;
and Kubernetes' own faults are not the hosts'."""

import pytest

from hummingbird.db.repository import condition, hearing, neighbour_condition
from hummingbird.domain.condition import KUBERNETES, Condition, Status, shown
from hummingbird.domain.host_state import HostState
from tests.fakes.ansible_runner import Outcome
from tests.fakes.world import World

UNREACHABLE = "850.002 kubernetes=k8s-health-check-failed"
NAMES = ("edge-0", "edge-1", "edge-2")


def known(world: World, name: str = "edge-0") -> dict[str, Condition]:
    with world.database.reader() as connection:
        host = world.host(name)
        found = shown(
            host,
            condition.of_host(connection, host.id),
            kubernetes=neighbour_condition.find(connection, KUBERNETES),
            deaf="" if hearing.read(connection).is_anybody_listening() else "nobody",
        )
    return {one.type: one for one in found}


def said(world: World, name: str = "edge-0") -> dict[str, tuple[str, str, str]]:
    return {
        kind: (one.status.value, one.reason, one.observer)
        for kind, one in known(world, name).items()
    }


def look(world: World, seconds: float = 30) -> None:
    """Let time pass in which Kubernetes' nodes are looked at."""
    world.clock.advance(seconds)
    world.reconcile("node", "liveness", "alarm")


def put_three_in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    for number, name in enumerate(NAMES[1:], start=102):
        world.in_service(name, f"192.168.204.{number}")
    look(world)
    assert world.standing() == {}


def test_an_added_host_is_known_of_nothing(world: World) -> None:
    found = said(world)
    assert found["Heard"][:2] == ("Unknown", "NeverHeard")
    assert found["Powered"][:2] == ("Unknown", "NoBoard")
    assert found["Provisioned"][:2] == ("False", "NotProvisioned")
    assert found["Ready"][:2] == ("Unknown", "NotProvisioned")
    assert found["HostKeyKnown"][:2] == ("Unknown", "NotPinned")


def test_heard_provisioned_and_ready_are_facts_apart_each_with_its_observer(
    world: World,
) -> None:
    world.unlock("edge-0")
    world.settle()
    look(world)
    found = said(world)
    assert found["Heard"] == ("True", "HeartbeatHeard", "controller-0.gateway.2131")
    assert found["Provisioned"] == ("True", "Provisioned", "controller-0.conductor")
    assert found["Ready"][::2] == ("True", "kubernetes")
    since = known(world)["Heard"].since
    world.power_off("edge-0")
    world.live(40)
    found = said(world)
    assert found["Heard"][:2] == ("False", "HeartbeatLost")
    assert (found["Provisioned"][0], found["Ready"][0]) == ("True", "True")
    after = known(world)["Heard"].since
    assert since is not None and after is not None and after > since


def test_what_does_not_change_is_not_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_three_in_service(world)
    world.power_off("edge-2")
    world.live(40)
    look(world)
    before = {name: known(world, name) for name in NAMES}
    written: list[int] = []
    put = condition.put

    def count(*given: object, **named: object) -> bool:
        written.append(1)
        return put(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(condition, "put", count)
    for _ in range(4):
        look(world)
    assert written == []
    assert {name: known(world, name) for name in NAMES} == before


def test_a_provisioning_that_failed_is_a_condition(world: World) -> None:
    world.runner.script("provision", Outcome(fail_at="images"))
    world.unlock("edge-0")
    world.settle()
    found = known(world)["Provisioned"]
    assert (found.status, found.reason) == (Status.FALSE, "ProvisionFailed")
    assert found.message.startswith("Unlocking failed: ")
    assert found.observer == "controller-0.conductor"


def test_kubelets_that_all_fall_silent_are_one_fault_of_kubernetes(
    world: World,
) -> None:
    put_three_in_service(world)
    for name in NAMES:
        world.cluster.silence(name)
    look(world)
    for name in NAMES:
        ready = known(world, name)["Ready"]
        assert (ready.status, ready.reason) == (
            Status.UNKNOWN,
            "KubernetesHearsNoKubelets",
        )
        assert "3 of 3 hosts" in ready.message
        assert world.host(name).state is HostState.ENABLED
    assert world.standing() == {}
    look(world)
    look(world)
    assert world.standing() == {UNREACHABLE: "major"}
    for name in NAMES:
        world.cluster.set_ready(name, True)
    look(world)
    assert world.standing() == {}
    assert said(world)["Ready"][0] == "True"


def test_the_kubelet_of_one_host_that_falls_silent_is_that_hosts_fault(
    world: World,
) -> None:
    put_three_in_service(world)
    world.cluster.silence("edge-1")
    look(world)
    assert said(world, "edge-1")["Ready"][:2] == ("Unknown", "NodeStatusUnknown")
    assert world.host("edge-1").state is HostState.DEGRADED
    assert world.standing() == {"200.006 host=edge-1.process=kubelet": "major"}


def test_hosts_that_are_away_say_nothing_of_kubernetes(world: World) -> None:
    """Half a fleet may be away for good: the kubelets of these are silent with them."""
    put_three_in_service(world)
    for name in NAMES[1:]:
        world.power_off(name)
    world.live(40)
    for name in NAMES[1:]:
        world.cluster.silence(name)
    look(world)
    world.cluster.silence("edge-0")
    look(world)
    assert said(world)["Ready"][:2] == ("Unknown", "NodeStatusUnknown")
    assert world.host("edge-0").state is HostState.DEGRADED
    assert UNREACHABLE not in world.standing()


def come_back(world: World, name: str) -> None:
    """Have a host be away for so long that Kubernetes gives its kubelet up, and return."""
    world.power_off(name)
    world.live(40)
    world.cluster.silence(name)
    look(world)
    assert said(world, name)["Ready"][:2] == ("Unknown", "NodeStatusUnknown")
    world.power_on(name)
    world.cluster.silence(name)


def test_the_silence_of_its_kubelet_while_it_was_away_is_not_held_against_a_host(
    world: World,
) -> None:
    put_three_in_service(world)
    come_back(world, "edge-1")
    for _ in range(3):
        world.live(15)
        world.reconcile("node", "liveness", "alarm")
        assert world.host("edge-1").state is HostState.ENABLED
        assert world.standing() == {}
    world.cluster.set_ready("edge-1", True)
    look(world)
    assert said(world, "edge-1")["Ready"][0] == "True"


def test_a_kubelet_that_does_not_come_back_with_its_host_is_that_hosts_fault(
    world: World,
) -> None:
    put_three_in_service(world)
    come_back(world, "edge-1")
    for _ in range(4):
        world.live(30)
        world.reconcile("node", "liveness", "alarm")
    assert world.host("edge-1").state is HostState.DEGRADED
    assert world.standing() == {"200.006 host=edge-1.process=kubelet": "major"}


def test_while_kubernetes_is_away_ready_is_unknown_and_says_why(world: World) -> None:
    put_three_in_service(world)
    world.cluster.away = True
    for _ in range(3):
        world.clock.advance(30)
        world.driver.run_once("node")
    world.reconcile("liveness", "alarm")
    ready = known(world)["Ready"]
    assert (ready.status, ready.reason) == (Status.UNKNOWN, "KubernetesUnreachable")
    assert ready.observer == "controller-0.conductor"
    assert world.standing() == {UNREACHABLE: "major"}
    assert world.host("edge-0").state is HostState.ENABLED
    world.cluster.away = False
    look(world)
    assert said(world)["Ready"][0] == "True"
    assert world.standing() == {}


def test_ready_nodes_whose_leases_stand_are_judged_by_nobody(world: World) -> None:
    """The controller manager is away: nobody there would call a node not Ready."""
    put_three_in_service(world)
    world.cluster.leases_stand = True
    for _ in range(5):
        look(world)
    ready = known(world)["Ready"]
    assert (ready.status, ready.reason) == (Status.UNKNOWN, "KubernetesHearsNoKubelets")
    assert all(world.host(name).state is HostState.ENABLED for name in NAMES)
    assert "200.006 host=edge-0.process=kubelet" not in world.standing()


def test_with_no_gateway_whether_a_host_is_heard_is_unknown(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    world.controllers[0].gateway.end()
    assert said(world)["Heard"][:2] == ("Unknown", "NobodyListens")
