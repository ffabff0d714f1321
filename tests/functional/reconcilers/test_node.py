# SPDX-License-Identifier: Apache-2.0
"""Nodes are labelled and cordoned as their hosts are; others are left alone."""

import pytest

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


def test_boxes_of_others_are_not_touched(world: World) -> None:
    world.cluster.join("worker-7")
    world.cluster.cordon("worker-7")
    before = world.cluster.node("worker-7")
    world.driver.run_once("node")
    assert world.cluster.node("worker-7") == before


def test_a_missing_node_is_said(world: World) -> None:
    world.cluster.delete_node("edge-0")
    report = world.driver.run_once("node")
    assert report.outcome.failed == ("edge-0 has no node in Kubernetes",)


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
