# SPDX-License-Identifier: Apache-2.0
"""What StarlingX's clients ask a whole system for: applications, the Kubernetes that hosts
run, whether the processes live, and lists of what is not here."""

import json

import pytest

from hummingbird.api.controllers.unused_resource import EMPTY
from hummingbird.db.model import HOST
from hummingbird.db.repository import alarm as alarms
from hummingbird.db.repository import application, process
from hummingbird.db.repository import host as hosts
from hummingbird.domain.alarm import board_away, host_locked
from hummingbird.domain.application import ApplicationStatus
from tests.functional.api.conftest import World


def test_the_agents_are_an_application_with_its_true_status(world: World) -> None:
    first = world.client.get("/v1/apps").json["apps"]
    assert first == [
        {
            "name": "hummingbird-agents",
            "app_version": "0.1.0",
            "manifest_name": "hummingbird-agents",
            "manifest_file": "Chart.yaml",
            "status": "uploaded",
            "progress": None,
            "active": False,
        }
    ]
    for status, progress, active in (
        (ApplicationStatus.APPLIED, None, True),
        (ApplicationStatus.APPLY_FAILED, "values don't meet the schema", False),
    ):
        with world.database.writer() as connection:
            application.put(
                connection,
                "hummingbird-agents",
                app_version="7",
                status=status,
                progress=progress,
                now=world.clock.now(),
            )
        shown = world.client.get("/v1/apps/hummingbird-agents").json
        assert shown == {
            **first[0],
            "app_version": "7",
            "status": status.value,
            "progress": progress,
            "active": active,
        }


def test_an_application_is_looked_at_on_demand_and_not_taken_away(
    world: World,
) -> None:
    client = world.client
    body = json.dumps({"values": {}}).encode()

    def direct(**query: str) -> int:
        path = "/v1/apps/hummingbird-agents"
        return client.request("PATCH", path, query=query, body=body).status

    assert direct(directive="apply") == 200
    assert world.nudges == ["agent"]
    assert direct(directive="remove", force="True") == 400
    assert direct(directive="abort") == 400
    assert direct(directive="nonsense") == 400
    assert direct() == 400
    removed = client.delete("/v1/apps/hummingbird-agents")
    assert removed.fault["code"] == "hummingbird.not_done_here"
    assert client.post("/v1/apps", {"tarfile": "/x.tgz"}).status == 400
    assert client.get("/v1/apps/nope").status == 404
    assert client.patch("/v1/apps/nope", {}).status == 404
    assert world.nudges == ["agent"]


def test_which_kubernetes_hosts_run_is_told(world: World) -> None:
    first, second = world.add("edge-0"), world.add("edge-1")
    with world.database.writer() as connection:
        hosts.note_kubelet(connection, first["id"], version="v1.36.3")
    found = world.client.get("/v1/kube_host_upgrades").json["kube_host_upgrades"]
    assert [
        (one["host_id"], one["kubelet_version"], one["control_plane_version"])
        for one in found
    ] == [(first["id"], "v1.36.3", "N/A"), (second["id"], "unknown", "N/A")]
    shown = world.client.get(f"/v1/kube_host_upgrades/{found[0]['uuid']}")
    assert shown.json == found[0]
    assert world.client.get("/v1/kube_host_upgrades/nobody").status == 404
    (version,) = world.client.get("/v1/kube_versions").json["kube_versions"]
    assert (version["version"], version["state"], version["target"]) == (
        "v1.36.3",
        "active",
        True,
    )
    assert world.client.get("/v1/kube_versions/v1.36.3").json == version
    assert world.client.get("/v1/kube_versions/v9.9.9").status == 404
    with world.database.writer() as connection:
        hosts.note_kubelet(connection, second["id"], version="v1.9.11")
    versions = world.client.get("/v1/kube_versions").json["kube_versions"]
    assert [one["version"] for one in versions] == ["v1.9.11", "v1.36.3"]


def test_a_kubelet_is_not_upgraded_by_itself(world: World) -> None:
    world.add()
    path = "/v1/ihosts/edge-0/kube_upgrade_kubelet"
    answer = world.client.post(path, {"force": False})
    assert (answer.status, answer.fault["code"]) == (400, "hummingbird.not_done_here")
    assert "reinstall" in answer.sentence
    assert world.client.post(path.replace("edge-0", "nobody"), {}).status == 404


def test_an_audit_has_the_host_looked_at_by_all(world: World) -> None:
    added = world.add()
    path = f"/v1/ihosts/{added['uuid']}/vim"
    answer = world.client.post(path, {"vim_event": "host-audit"})
    assert (answer.status, answer.json["uuid"]) == (200, added["uuid"])
    assert world.nudges == ["liveness", "alarm", "node", "agent"]
    for body in ({"vim_event": "host-delete"}, {}, {"vim_event": "host-audit", "x": 1}):
        assert world.client.post(path, body).status == 400
    path = "/v1/ihosts/nobody/vim"
    assert world.client.post(path, {"vim_event": "host-audit"}).status == 404


def test_whether_the_processes_live_is_what_distributed_cloud_asks(
    world: World,
) -> None:
    def states() -> dict[str, set[str]]:
        found = world.client.get("/v1/servicegroup").json["sm_servicegroup"]
        seen: dict[str, set[str]] = {}
        for one in found:
            seen.setdefault(one["service_group_name"], set()).add(one["state"])
        return seen

    assert states() == {
        "hummingbird-api": {"active"},
        "hummingbird-conductor": {"disabled"},
        "hummingbird-gateway": {"disabled"},
    }
    with world.database.writer() as connection:
        for name in ("a.conductor", "b.conductor", "a.gateway.2131"):
            process.register(
                connection,
                name=name,
                kind=name.split(".")[1],
                incarnation=name,
                now=world.clock.now(),
            )
    assert set().union(*states().values()) == {"active"}
    world.clock.advance(3600)
    with world.database.writer() as connection:
        process.beat(
            connection,
            name="b.conductor",
            incarnation="b.conductor",
            now=world.clock.now(),
        )
    assert states() == {
        "hummingbird-api": {"active"},
        "hummingbird-conductor": {"active", "disabled"},
        "hummingbird-gateway": {"disabled"},
    }
    groups = world.client.get("/v1/servicegroup").json["sm_servicegroup"]
    assert [one["node_name"] for one in groups[1:]] == ["a", "b", "a"]
    one = groups[1]
    assert world.client.get(f"/v1/servicegroup/{one['uuid']}").json == one
    assert world.client.get("/v1/servicegroup/nope").status == 404


@pytest.mark.parametrize(("resource", "key"), sorted(EMPTY.items()))
def test_what_is_not_here_is_an_empty_list(
    world: World, resource: str, key: str
) -> None:
    assert world.client.get(f"/v1/{resource}").json == {key: []}
    assert world.client.get(f"/v1/{resource}/nope").status == 404


def test_what_lies_under_those_is_empty_too(world: World) -> None:
    said = [
        world.client.get(f"/v1/{path}").json
        for path in (
            "certificate/get_all_certs",
            "certificate/get_all_k8s_certs",
            "kube_rootca_update/hosts",
        )
    ]
    assert said == [{}, {}, {"kube_host_updates": []}]


def test_what_is_not_served_is_said_in_a_sentence(world: World) -> None:
    fault = world.client.get("/v1/idns").fault
    assert fault["code"] == 404
    assert (
        fault["faultstring"] == "Not Found: Hummingbird does not serve this at /v1/idns"
    )


def test_storage_of_all_hosts_is_refused(world: World) -> None:
    body = {"deployment": "controller", "confirmed": True}
    answer = world.client.post("/v1/storage_ceph_rook", body)
    assert answer.fault["code"] == "hummingbird.not_done_here"
    assert world.client.get("/v1/storage_backend").json == {"storage_backends": []}


def test_how_well_the_system_is_comes_in_lines_that_clients_read(world: World) -> None:
    client = world.client
    assert client.get("/v1/health/").json == (
        "System Health:\n"
        "All hosts are provisioned: [OK]\n"
        "All hosts are unlocked/enabled: [OK]\n"
        "All hosts have current configurations: [OK]\n"
        "No alarms: [OK]\n"
    )
    world.add("edge-0")
    world.add("edge-1")
    with world.database.writer() as connection:
        change = HOST.update().where(HOST.c.hostname == "edge-1")
        values = {"provisioned_plan": "a", "target_plan": "b", "state": "enabled"}
        connection.execute(change.values(values))
        alarms.put(connection, host_locked("edge-0"), now=world.clock.now())
        alarms.put(connection, board_away("edge-0"), now=world.clock.now())
    for path in ("", "kube-upgrade", "kube-upgrade/relaxed"):
        assert client.get(f"/v1/health/{path}").json.splitlines() == [
            "System Health:",
            "All hosts are provisioned: [Fail]",
            "1 Unprovisioned hosts",
            "All hosts are unlocked/enabled: [Fail]",
            "Locked or disabled hosts: edge-0",
            "All hosts have current configurations: [Fail]",
            "Hosts with out of date configurations: edge-1",
            "No alarms: [Fail]",
            "[2] alarms found, [1] of which are management affecting",
        ]


def test_of_many_hosts_only_some_are_named_in_the_health(world: World) -> None:
    for index in range(25):
        world.add(f"edge-{index}")
    lines = world.client.get("/v1/health/").json.splitlines()
    assert lines[2] == "25 Unprovisioned hosts"
    assert lines[4].endswith("edge-19 and 5 more")


def test_there_is_no_license_and_no_oam_network(world: World) -> None:
    license_file = world.client.get("/v1/license/get_license_file").json
    assert license_file["content"] == ""
    assert license_file["error"].startswith("License file not found.")
    assert world.client.get("/v1/iextoam").json == {"iextoams": []}
