# SPDX-License-Identifier: Apache-2.0
"""A node that has a host's name and is not the one that the host's join made gets nothing
from us: no certificate, no label, no cordon, no eviction; it is not deleted."""

from dataclasses import replace

import pytest

from hummingbird.adapters.kubernetes.cluster import NodeStatus
from hummingbird.db.repository import host as hosts
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import EDGEWORKER_LABEL, UUID_LABEL
from hummingbird.domain.run import RunState
from hummingbird.reconcilers.registry import NODE_PERIOD_SECONDS
from tests.fakes.cluster import FakePod
from tests.fakes.world import World

FOREIGN = "hummingbird.host.node_foreign"


@pytest.fixture
def world(world_on_each: World) -> World:
    return world_on_each


def pod(world: World) -> None:
    world.cluster.add_pod(FakePod(namespace="default", name="theirs", node="edge-0"))


def node(world: World) -> NodeStatus:
    found = world.cluster.node("edge-0")
    assert found is not None
    return found


def signed(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of names for which certificates are asked from now on."""
    asked: list[str] = []
    sign = world.cluster.sign_node_certificate

    def noted(*, hostname: str, request: str, lifetime: object) -> str | None:
        asked.append(hostname)
        return sign(hostname=hostname, request=request, lifetime=lifetime)  # type: ignore[arg-type]

    monkeypatch.setattr(world.cluster, "sign_node_certificate", noted)
    return asked


def in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED


def replaced(world: World, **labels: str) -> NodeStatus:
    """Have somebody else's machine get the name of the host's node."""
    world.cluster.delete_node("edge-0")
    world.cluster.join("edge-0", labels=labels)
    pod(world)
    world.clock.advance(NODE_PERIOD_SECONDS)
    return node(world)


def is_untouched(world: World, before: NodeStatus) -> bool:
    after = node(world)
    theirs = [pod.name for pod in world.cluster.pods if pod.name == "theirs"]
    return replace(after, lease_renewed_at=before.lease_renewed_at) == before and (
        theirs == ["theirs"]
    )


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize(
    "labels",
    [
        {"node-role.kubernetes.io/control-plane": ""},
        {EDGEWORKER_LABEL: "true"},
        {EDGEWORKER_LABEL: "true", UUID_LABEL: "of-another-hummingbird"},
    ],
)
def test_an_unlock_under_the_name_of_anothers_node_is_refused_before_anything(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    ready: bool,
    labels: dict[str, str],
) -> None:
    world.cluster.join("edge-0", labels=labels, ready=ready)
    pod(world)
    before, asked = node(world), signed(world, monkeypatch)
    world.unlock("edge-0")
    world.settle()
    run, host = world.run("edge-0"), world.host("edge-0")
    assert (run.state, run.error_code) == (RunState.FAILED, FOREIGN)
    assert host.state is HostState.PROVISION_FAILED
    assert (host.touched, host.known_hosts, host.node_uid) == (False, None, None)
    assert str(host.task).startswith("Unlocking failed: The node edge-0 in ")
    assert "The node edge-0 in Kubernetes is not this host's" in str(run.error)
    assert (asked, world.runner.calls) == ([], [])
    assert is_untouched(world, before)
    world.driver.run_once("node")
    world.delete("edge-0")
    world.settle()
    assert not world.exists("edge-0")
    assert is_untouched(world, before)


def test_a_node_that_comes_while_a_host_is_provisioned_is_seen_before_it_is_signed_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = signed(world, monkeypatch)
    world.boxes["edge-0"].is_connected = False
    probe = world.neighbours.probe

    def slow(address: str, *, port: int, timeout_seconds: float) -> bool:
        world.boxes["edge-0"].is_connected = True
        if world.cluster.node("edge-0") is None:
            world.cluster.join("edge-0")
        return probe(address, port=port, timeout_seconds=timeout_seconds)

    controller = world.controllers[0]
    monkeypatch.setattr(
        controller, "neighbours", replace(controller.neighbours, probe=slow)
    )
    world.unlock("edge-0")
    world.settle()
    assert world.run("edge-0").error_code == FOREIGN
    assert asked == []


def test_the_node_that_the_join_made_is_kept_with_the_host(world: World) -> None:
    in_service(world)
    assert world.host("edge-0").node_uid == node(world).uid
    assert node(world).labels[UUID_LABEL] == world.host("edge-0").uuid


def test_a_lock_leaves_a_node_that_was_replaced_alone_and_says_why(
    world: World,
) -> None:
    in_service(world)
    before = replaced(world)
    world.lock("edge-0")
    world.settle()
    run = world.run("edge-0")
    assert (run.state, run.error_code) == (RunState.FAILED, FOREIGN)
    assert is_untouched(world, before)
    failed = world.driver.run_once("node").outcome.failed
    assert failed[0].startswith("The node edge-0 in Kubernetes is not this host's")
    assert is_untouched(world, before)


def test_a_host_whose_node_was_replaced_is_retired_and_the_node_stays(
    world: World,
) -> None:
    in_service(world)
    world.lock("edge-0")
    world.settle()
    before = replaced(world)
    run = world.delete("edge-0")
    world.settle()
    assert not world.exists("edge-0")
    assert ("undo", "done") in world.steps(run)
    assert is_untouched(world, before)
    told = [event.message for event in world.events(run)]
    assert any("is not this host's" in message for message in told)


def test_a_node_that_is_replaced_between_look_and_act_is_not_touched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_service(world)
    look = world.cluster.node
    seen: list[NodeStatus | None] = []

    def stale(name: str) -> NodeStatus | None:
        """As it was a moment ago."""
        if not seen:
            seen.append(look(name))
        return seen[0]

    monkeypatch.setattr(world.cluster, "node", stale)
    world.cluster.node("edge-0")
    world.cluster.delete_node("edge-0")
    world.cluster.join("edge-0")
    pod(world)
    before = look("edge-0")
    world.lock("edge-0")
    world.settle()
    assert world.run("edge-0").state is RunState.SUCCEEDED
    world.driver.run_once("node")
    world.delete("edge-0")
    world.settle()
    monkeypatch.undo()
    assert before is not None
    assert is_untouched(world, before)


def test_a_host_whose_node_somebody_deleted_is_known_when_it_registers_again(
    world: World,
) -> None:
    in_service(world)
    world.cluster.delete_node("edge-0")
    world.register("edge-0")
    world.clock.advance(NODE_PERIOD_SECONDS)
    world.driver.run_once("node")
    assert world.host("edge-0").node_uid == node(world).uid
    assert node(world).labels[EDGEWORKER_LABEL] == "true"
    world.lock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.LOCKED
    assert node(world).unschedulable


def test_a_database_older_than_the_node_takes_it_over_by_the_hosts_uuid(
    world: World,
) -> None:
    in_service(world)
    change(world, node_uid="of-the-node-before")
    world.driver.run_once("node")
    world.lock("edge-0")
    world.settle()
    assert world.host("edge-0").node_uid == node(world).uid


def change(world: World, **values: object) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), **values)


def before_uids_were_kept(world: World) -> None:
    """Have the host be one that the release before this one has provisioned."""
    in_service(world)
    world.boxes["edge-0"].node_labels.clear()
    world.cluster.label_node("edge-0", {UUID_LABEL: None})
    change(world, node_uid=None)


def test_the_node_of_a_host_of_an_older_release_is_taken_over(world: World) -> None:
    before_uids_were_kept(world)
    world.clock.advance(NODE_PERIOD_SECONDS)
    world.driver.run_once("node")
    host = world.host("edge-0")
    assert host.node_uid == node(world).uid
    assert node(world).labels[UUID_LABEL] == host.uuid


def test_one_whose_node_is_gone_gets_a_new_one_by_an_unlock(world: World) -> None:
    before_uids_were_kept(world)
    world.lock("edge-0")
    world.settle()
    world.cluster.delete_node("edge-0")
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.host("edge-0").node_uid == node(world).uid


def test_what_a_node_says_of_itself_is_bounded_and_holds_up_no_other(
    world: World,
) -> None:
    in_service(world)
    world.add("edge-1", "192.168.204.102")
    world.unlock("edge-1")
    world.settle()
    world.cluster.say(
        "edge-0",
        kubelet_version="v1\x1b[2J" + "9" * 100_000,
        ready=False,
        ready_reason="\x1b]0;" + "x" * 100_000,
        boot_id="b" * 100_000,
        internal_ip="i" * 100_000,
        labels={"any": "x", **node(world).labels},
        annotations={"hummingbird.starlingx.io/labels": "," * 200_000},
    )
    world.cluster.cordon("edge-1")
    world.clock.advance(NODE_PERIOD_SECONDS)
    assert "edge-1 uncordoned" in world.driver.run_once("node").outcome.changed
    version = world.host("edge-0").kubelet_version
    assert version is not None
    assert len(version) == 32
    assert "\x1b" not in version
