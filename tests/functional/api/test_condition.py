# SPDX-License-Identifier: Apache-2.0
"""A host's conditions are read, alone and with the host, on each kind of database."""

from hummingbird.db.repository import condition, neighbour_condition
from hummingbird.domain.condition import KUBERNETES, READY, Seen, Status
from tests.functional.api.conftest import World

TYPES = ["Heard", "Powered", "Provisioned", "Ready", "HostKeyKnown"]


def see(world: World, seen: Seen) -> None:
    with world.database.writer() as connection:
        now = world.clock.now()
        condition.put(connection, world.host().id, READY, seen, now=now)


def not_ready(reason: str, message: str = "") -> Seen:
    return Seen(
        status=Status.FALSE, reason=reason, message=message, observer="kubernetes"
    )


def test_conditions_are_listed_each_with_its_observer(world: World) -> None:
    fresh = world.add_ready()
    assert "conditions" not in fresh, "as a real sysinv's, until something was seen"
    listed = world.client.get("/v1/ihosts/edge-0/conditions").json["conditions"]
    assert [one["type"] for one in listed] == TYPES
    assert all(one["since"] is None and one["observer"] == "" for one in listed)

    see(world, not_ready("KubeletNotReady", "PLEG is not healthy"))
    listed = world.client.get("/v1/ihosts/edge-0/conditions").json["conditions"]
    assert listed[3] == {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "PLEG is not healthy",
        "since": world.clock.now().isoformat(),
        "observer": "kubernetes",
    }
    assert world.client.get("/v1/ihosts/edge-0").json["conditions"] == listed
    assert world.client.get("/v1/ihosts/edge-9/conditions").status == 404


def test_since_is_when_the_status_changed_and_not_the_reason(world: World) -> None:
    world.add_ready()
    see(world, not_ready("KubeletNotReady"))
    since = world.clock.now()
    world.clock.advance(60)
    see(world, not_ready("NodeNotFound"))
    listed = world.client.get("/v1/ihosts/edge-0/conditions").json["conditions"]
    assert listed[3]["reason"] == "NodeNotFound"
    assert listed[3]["since"] == since.isoformat()


def test_what_is_wrong_with_kubernetes_is_said_of_each_host_and_kept_once(
    world: World,
) -> None:
    world.add_ready()
    see(world, not_ready("KubeletNotReady"))
    away = Seen(
        status=Status.UNKNOWN,
        reason="KubernetesUnreachable",
        message="The Kubernetes API does not answer",
        observer="controller-0.conductor",
    )
    with world.database.writer() as connection:
        neighbour_condition.put(connection, KUBERNETES, away, now=world.clock.now())
    ready = world.client.get("/v1/ihosts/edge-0/conditions").json["conditions"][3]
    assert (ready["status"], ready["reason"], ready["observer"]) == (
        "Unknown",
        "KubernetesUnreachable",
        "controller-0.conductor",
    )
    assert ready["message"].endswith("before: False (KubeletNotReady)")
    with world.database.writer() as connection:
        neighbour_condition.forget(connection, KUBERNETES)
    ready = world.client.get("/v1/ihosts/edge-0/conditions").json["conditions"][3]
    assert ready["status"] == "False"
