# SPDX-License-Identifier: Apache-2.0
"""Nodes are labelled and cordoned as their hosts are; others are left alone."""

import pytest

from hummingbird.adapters.kubernetes.cluster import NodeStatus
from hummingbird.db.repository import application
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import label as label_repository
from hummingbird.reconcilers.fleet.node import EVERYWHERE_SHARE
from hummingbird.reconcilers.registry import NODE_PERIOD_SECONDS
from tests.fakes.world import World


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    world.unlock("edge-0")
    world.settle()


def test_a_node_that_somebody_cordoned_is_opened_again(world: World) -> None:
    world.cluster.cordon("edge-0")
    report = world.driver.run_once("node")
    assert report.outcome.changed == ("edge-0 uncordoned",)
    assert world.driver.run_once("node").outcome.changed == ()


def test_labels_that_somebody_took_come_back(world: World) -> None:
    label = "hummingbird.starlingx.io/edgeworker"
    world.cluster.label_node("edge-0", {label: None})
    world.driver.run_once("node")
    node = world.cluster.node("edge-0")
    assert node is not None and node.labels[label] == "true"


def assign(world: World, name: str, **labels: str) -> None:
    with world.database.writer() as connection:
        host = host_repository.find(connection, name)
        label_repository.assign(connection, host, labels, overwrite=True)


def unassign(world: World, name: str, key: str) -> None:
    with world.database.writer() as connection:
        host = host_repository.find(connection, name)
        for label in label_repository.of_host(connection, host.id):
            if label.label_key == key:
                label_repository.remove(connection, label)


def labels_of(world: World) -> dict[str, str]:
    node = world.cluster.node("edge-0")
    assert node is not None
    return dict(node.labels)


def test_a_hosts_labels_come_to_its_node_and_go_from_it(world: World) -> None:
    world.cluster.label_node("edge-0", {"theirs": "yes"})
    before = labels_of(world)
    assign(world, "edge-0", line="3", row="7")
    assert world.driver.run_once("node").outcome.changed == ("edge-0 labelled",)
    assert labels_of(world) == {**before, "line": "3", "row": "7"}
    assert world.driver.run_once("node").outcome.changed == ()
    unassign(world, "edge-0", "line")
    assign(world, "edge-0", row="8")
    world.driver.run_once("node")
    assert labels_of(world) == {**before, "row": "8"}
    unassign(world, "edge-0", "row")
    world.driver.run_once("node")
    node = world.cluster.node("edge-0")
    assert node is not None
    assert (dict(node.labels), dict(node.annotations)) == (before, {})


def test_a_note_that_somebody_forged_takes_no_label_of_the_system(
    world: World,
) -> None:
    before = labels_of(world)
    note = ",".join([*before, "kubernetes.io/hostname", "", "!!"])
    world.cluster.label_node(
        "edge-0",
        {"kubernetes.io/hostname": "edge-0"},
        annotations={"hummingbird.starlingx.io/labels": note},
    )
    world.driver.run_once("node")
    assert labels_of(world) == {**before, "kubernetes.io/hostname": "edge-0"}


def test_a_node_that_joined_again_gets_its_labels_again(world: World) -> None:
    assign(world, "edge-0", line="3")
    world.driver.run_once("node")
    world.cluster.delete_node("edge-0")
    world.register("edge-0")
    world.clock.advance(NODE_PERIOD_SECONDS)
    world.driver.run_once("node")
    assert labels_of(world)["line"] == "3"


def test_boxes_of_others_are_not_touched(world: World) -> None:
    world.cluster.join("worker-7")
    world.cluster.cordon("worker-7")
    before = world.cluster.node("worker-7")
    world.driver.run_once("node")
    assert world.cluster.node("worker-7") == before


def test_while_nothing_changes_kubernetes_is_asked_for_all_once_a_period(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(world, monkeypatch)
    for _ in range(5):
        world.driver.run_once("node")
    assert calls == ["nodes"]
    world.cluster.cordon("edge-0")
    assert world.driver.run_once("node").outcome.changed == ()
    world.clock.advance(NODE_PERIOD_SECONDS)
    assert world.driver.run_once("node").outcome.changed == ("edge-0 uncordoned",)
    assert calls == ["nodes", "nodes"]


def test_of_a_host_that_changed_the_node_is_read_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.driver.run_once("node")
    calls = counted(world, monkeypatch)
    assign(world, "edge-0", line="3")
    assert world.driver.run_once("node").outcome.changed == ("edge-0 labelled",)
    world.driver.run_once("node")
    assert calls == ["node"]


def test_a_fleet_whose_nodes_take_long_to_read_is_read_less_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(world, monkeypatch, seconds=6.0)
    world.driver.run_once("node")
    world.clock.advance(NODE_PERIOD_SECONDS)
    world.driver.run_once("node")
    assert calls == ["nodes"]
    world.clock.advance(6.0 / EVERYWHERE_SHARE - NODE_PERIOD_SECONDS)
    world.driver.run_once("node")
    assert calls == ["nodes", "nodes"]


def test_a_missing_node_is_said_until_it_is_there(world: World) -> None:
    world.cluster.delete_node("edge-0")
    for _ in range(2):
        report = world.driver.run_once("node")
        assert report.outcome.failed == ("edge-0 has no node in Kubernetes",)
    world.register("edge-0")
    world.clock.advance(NODE_PERIOD_SECONDS)
    report = world.driver.run_once("node")
    assert report.outcome.failed == ()
    assert report.outcome.changed == ("edge-0 is Ready", "edge-0 labelled")


def counted(
    world: World, monkeypatch: pytest.MonkeyPatch, *, seconds: float = 0.0
) -> list[str]:
    """Return the list of what Kubernetes is asked for nodes from now on; each list of
    all takes so many seconds."""
    calls: list[str] = []
    one, every = world.cluster.node, world.cluster.nodes

    def node(name: str) -> NodeStatus | None:
        calls.append("node")
        return one(name)

    def nodes(*, label_selector: str | None = None) -> dict[str, NodeStatus]:
        calls.append("nodes")
        world.clock.advance(seconds)
        return every(label_selector=label_selector)

    monkeypatch.setattr(world.cluster, "node", node)
    monkeypatch.setattr(world.cluster, "nodes", nodes)
    return calls


def test_kubernetes_away_is_said_and_nothing_else(world: World) -> None:
    world.cluster.away = True
    report = world.driver.run_once("node")
    assert report.outcome.failed[0].startswith("The Kubernetes API does not answer")


def test_the_agents_release_is_asked_for_once_while_nothing_changes(
    world: World,
) -> None:
    calls = world.release.calls
    for _ in range(3):
        world.driver.run_once("agent")
    assert world.release.calls == calls
    world.clock.advance(601)
    world.driver.run_once("agent")
    assert world.release.calls == calls + 1
    assert "hummingbird" in world.cluster.namespaces


def test_without_a_provisioned_host_there_are_no_agents(world: World) -> None:
    world.lock("edge-0")
    world.settle()
    world.delete("edge-0")
    world.settle()
    world.clock.advance(601)
    calls = world.release.calls
    assert world.driver.run_once("agent").outcome.looked_at == 0
    assert world.release.calls == calls


def agents(world: World) -> tuple[str, str | None] | None:
    with world.database.reader() as connection:
        found = application.find(connection, "hummingbird-agents")
    return None if found is None else (found.status.value, found.progress)


def test_how_the_agents_release_is_can_be_asked(world: World) -> None:
    assert agents(world) == ("applied", None)
    world.clock.advance(601)
    world.release.refusal = "values don't meet the schema"
    world.driver.run_once("agent")
    status, progress = agents(world) or ("", "")
    assert status == "apply-failed"
    assert "values don't meet the schema" in str(progress)
    world.cluster.away = True
    world.driver.run_once("agent")
    assert (agents(world) or ("",))[0] == "apply-failed"
    world.cluster.away, world.release.refusal = False, None
    world.driver.run_once("agent")
    assert agents(world) == ("applied", None)
    world.cluster.away = True
    world.clock.advance(601)
    world.driver.run_once("agent")
    assert agents(world) == ("applied", None)


def test_which_kubelet_a_node_has_is_kept_with_its_host(world: World) -> None:
    world.driver.run_once("node")
    assert world.host("edge-0").kubelet_version == "v1.36.3"
