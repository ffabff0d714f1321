# SPDX-License-Identifier: Apache-2.0
"""Labels of a host: assigned all together, overwritten on demand, removed, refused."""

import json

import pytest

from hummingbird.db.repository import label as labels
from tests.functional.api.conftest import Answer, World


def assign(world: World, body: object, name: str = "edge-0", **query: object) -> Answer:
    return world.client.request(
        "POST", f"/v1/labels/{name}", query=query, body=json.dumps(body).encode()
    )


def shown(world: World, name: str = "edge-0") -> dict[str, str]:
    answer = world.client.get(f"/v1/ihosts/{name}/labels")
    return {one["label_key"]: one["label_value"] for one in answer.json["labels"]}


def test_labels_are_assigned_shown_overwritten_and_removed(world: World) -> None:
    added = world.add()
    answer = assign(world, {"line": "3", "example.com/camera": ""}, added["uuid"])
    assert answer.status == 200
    first, second = answer.json["labels"]
    assert first == {
        "uuid": first["uuid"],
        "label_key": "line",
        "label_value": "3",
        "host_uuid": added["uuid"],
    }
    assert second["label_value"] == ""
    for name in ("edge-0", added["uuid"], str(added["id"])):
        assert shown(world, name) == {"line": "3", "example.com/camera": ""}
    assert world.client.get(f"/v1/labels/{first['uuid']}").json == first
    for path in ("/v1/labels", "/v1/labels/detail"):
        assert world.client.get(path).json == {"labels": [first, second]}

    refused = assign(world, {"row": "7", "line": "4"}, overwrite="False")
    assert refused.status == 400
    assert refused.sentence == (
        "Label line exists for host edge-0. Use overwrite option to assign a new value."
    )
    assert shown(world) == {"line": "3", "example.com/camera": ""}

    assert assign(world, {"row": "7", "line": "4"}, overwrite="True").status == 200
    assert shown(world)["line"] == "4"
    assert world.client.get(f"/v1/labels/{first['uuid']}").json["label_value"] == "4"

    assert world.client.delete(f"/v1/labels/{first['uuid']}").status == 204
    assert shown(world) == {"example.com/camera": "", "row": "7"}


def test_a_change_of_labels_hurries_the_one_who_tells_kubernetes(world: World) -> None:
    world.add()
    label = assign(world, {"line": "3"}).json["labels"][0]
    world.client.delete(f"/v1/labels/{label['uuid']}")
    assert world.nudges == ["node", "node"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"bad key!!": "x"}, "hummingbird.label.invalid"),
        ({"-a": "x"}, "hummingbird.label.invalid"),
        ({"": "x"}, "hummingbird.label.invalid"),
        ({"/a": "x"}, "hummingbird.label.invalid"),
        ({"a/": "x"}, "hummingbird.label.invalid"),
        ({"Example.com/a": "x"}, "hummingbird.label.invalid"),
        ({"a/b/c": "x"}, "hummingbird.label.invalid"),
        ({f"{'a' * 64}": "x"}, "hummingbird.label.invalid"),
        ({f"{'a' * 254}/b": "x"}, "hummingbird.label.invalid"),
        ({"a": "x y"}, "hummingbird.label.invalid"),
        ({"a": "x\n"}, "hummingbird.label.invalid"),
        ({"a": "x" * 64}, "hummingbird.label.invalid"),
        ({"kubernetes.io/hostname": "x"}, "hummingbird.label.reserved"),
        ({"topology.kubernetes.io/zone": "x"}, "hummingbird.label.reserved"),
        ({"hummingbird.starlingx.io/edgeworker": "x"}, "hummingbird.label.reserved"),
        ({"good": "x", "a": None}, "hummingbird.bad_request"),
        ({"a": 1}, "hummingbird.bad_request"),
        ({}, "hummingbird.bad_request"),
        ([], "hummingbird.bad_request"),
        ({f"a{i}": "" for i in range(101)}, "hummingbird.label.too_many"),
    ],
)
def test_what_kubernetes_would_not_take_is_refused_and_changes_nothing(
    world: World, body: object, code: str
) -> None:
    world.add()
    answer = assign(world, body)
    assert (answer.status, answer.fault["code"]) == (400, code)
    assert shown(world) == {}


def test_a_hundred_labels_are_enough_for_one_host(world: World) -> None:
    world.add()
    assert assign(world, {f"a{i}": "" for i in range(100)}).status == 200
    assert assign(world, {"b": ""}).fault["code"] == "hummingbird.label.too_many"
    assert assign(world, {"a7": "x"}, overwrite=True).status == 200


def test_labels_that_change_how_a_node_works_need_a_locked_host(world: World) -> None:
    world.add_ready()
    label = assign(world, {"openvswitch": "enabled"}).json["labels"][0]
    world.enable()
    refused = assign(world, {"sriovdp": "enabled", "line": "3"})
    assert refused.sentence == "Host edge-0 must be locked for label(s)=['sriovdp']."
    assert world.client.delete(f"/v1/labels/{label['uuid']}").status == 400
    assert shown(world) == {"openvswitch": "enabled"}
    assert assign(world, {"line": "3"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/labels/00000000-0000-4000-8000-000000000000", 400),
        ("GET", "/v1/labels/nonsense", 400),
        ("DELETE", "/v1/labels/nonsense", 400),
        ("GET", "/v1/ihosts/nobody/labels", 404),
    ],
)
def test_what_is_not_there_is_said(
    world: World, method: str, path: str, status: int
) -> None:
    world.add()
    assert world.client.request(method, path).status == status


def test_the_refusal_of_an_unknown_label_is_upstreams(world: World) -> None:
    answer = world.client.get("/v1/labels/nonsense")
    assert answer.sentence == "No label found for nonsense"


def test_a_host_that_is_deleted_takes_its_labels_along(world: World) -> None:
    world.add()
    assign(world, {"line": "3"})
    assert world.client.delete("/v1/ihosts/edge-0").status == 204
    with world.database.reader() as connection:
        assert labels.list_all(connection) == []


def test_an_unknown_host_gets_no_labels(world: World) -> None:
    assert assign(world, {"line": "3"}, "nobody").status == 404


def test_an_argument_that_means_nothing_is_refused(world: World) -> None:
    world.add()
    assert assign(world, {"line": "3"}, force="True").status == 400
    assert assign(world, {"line": "3"}, overwrite="maybe").status == 400
    assert world.client.get("/v1/labels", limit=1).status == 400
    assert shown(world) == {}
