# SPDX-License-Identifier: Apache-2.0
"""A POST that is sent again creates nothing again, and is answered as the first one."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from hummingbird.api.http import app
from hummingbird.api.routes import ROUTES
from hummingbird.context import RequestContext
from hummingbird.db.model import IDEMPOTENCY
from hummingbird.db.repository import event_log
from tests.functional.api.conftest import Answer, World

EDGE = {
    "hostname": "edge-0",
    "personality": "edgeworker",
    "mgmt_mac": "52:54:00:aa:bb:01",
}


NEEDS_NO_KEY = {
    "/v1/apps",
    "/v1/ihosts/bulk_add",
    "/v1/ihosts/{host}/kube_upgrade_kubelet",
    "/v1/ihosts/{host}/vim",
    "/v1/storage_ceph_rook",
}
"""Refused always, or looked at now; and a file of hosts that is sent again adds those
that are missing, some to a transaction."""


def post(world: World, path: str, body: object, key: str = "key-1") -> Answer:
    return world.client.request(
        "POST",
        path,
        body=json.dumps(body).encode(),
        HTTP_IDEMPOTENCY_KEY=key,
    )


def rows(world: World) -> int:
    with world.database.reader() as connection:
        return connection.execute(
            select(func.count()).select_from(IDEMPOTENCY)
        ).scalar_one()


def hosts(world: World) -> list[str]:
    listed = world.client.get("/v1/ihosts").json["ihosts"]
    return [host["hostname"] for host in listed]


def test_the_same_request_is_answered_as_the_first_one(world: World) -> None:
    first = post(world, "/v1/ihosts", EDGE)
    assert first.status == 200
    assert "Idempotency-Replayed" not in first.headers
    again = post(world, "/v1/ihosts", EDGE)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert hosts(world) == ["edge-0"]
    with world.database.reader() as connection:
        assert len(event_log.list_latest(connection, limit=9)) == 1
    # Also when the host is gone meanwhile: it was this request that added it.
    world.client.delete("/v1/ihosts/edge-0")
    assert post(world, "/v1/ihosts", EDGE).body == first.body
    assert hosts(world) == []
    second = post(world, "/v1/ihosts", EDGE, key="key-2")
    assert second.json["id"] == first.json["id"] + 1


CREATES: dict[str, dict[str, Any]] = {
    "/v1/ihosts": EDGE,
    "/v1/emns": {"name": "shops", "cidr": "10.20.0.0/24"},
    "/v1/addrpools": {"name": "spare", "network": "10.30.0.0", "prefix": 24},
    "/v1/credentials": {"name": "shop", "user": "edge", "password": "very secret"},
    "/v1/alarms": {
        "alarm_state": "log",
        "alarm_id": "200.020",
        "entity_instance_id": "host=edge-0",
        "severity": "warning",
        "alarm_type": "equipment",
        "probable_cause": "unknown",
    },
}


@pytest.mark.parametrize("path", CREATES)
def test_whatever_is_created_by_post_is_created_once(world: World, path: str) -> None:
    first = post(world, path, CREATES[path])
    assert first.status in (200, 201), first.body
    again = post(world, path, CREATES[path])
    assert (again.status, again.body) == (first.status, first.body)


def test_every_post_that_creates_can_be_sent_again() -> None:
    missing = [
        path
        for method, path, handler in ROUTES
        if method == "POST" and not hasattr(handler, "__wrapped__")
    ]
    assert set(missing) == NEEDS_NO_KEY


def test_a_key_is_for_one_request(world: World) -> None:
    assert post(world, "/v1/ihosts", EDGE).status == 200
    other = {**EDGE, "hostname": "edge-1", "mgmt_mac": "52:54:00:aa:bb:02"}
    for path, body in (("/v1/ihosts", other), ("/v1/emns", CREATES["/v1/emns"])):
        answer = post(world, path, body)
        assert answer.status == 422
        assert answer.fault["code"] == "hummingbird.idempotency_key_reused"
    assert hosts(world) == ["edge-0"]
    assert post(world, "/v1/ihosts", other, key="key-2").status == 200


def test_a_key_is_its_callers_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = [
        RequestContext(user="kim", user_id=user, roles=("admin",), project=project)
        for user, project in (("u1", "admin"), ("u2", "admin"), ("u1", "services"))
    ]
    for number, caller in enumerate(callers):
        monkeypatch.setattr(app, "authenticate", lambda *_, of=caller, **__: of)
        body = {
            **EDGE,
            "hostname": f"edge-{number}",
            "mgmt_mac": f"52:54:00:00:00:0{number}",
        }
        assert post(world, "/v1/ihosts", body).status == 200
    assert len(hosts(world)) == len(callers)


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "schl\u00fcssel"])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    answer = post(world, "/v1/ihosts", EDGE, key=key)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.sentence
    assert hosts(world) == []


def test_what_was_refused_may_go_through_later(world: World) -> None:
    body = {**EDGE, "mgmt_ip": "10.20.0.5"}
    assert post(world, "/v1/ihosts", body).status == 400
    assert rows(world) == 0
    world.client.post("/v1/emns", {"name": "shops", "cidr": "10.20.0.0/24"})
    assert post(world, "/v1/ihosts", body).status == 200


def test_a_failure_in_the_middle_leaves_neither_host_nor_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("the power is gone")

        patched.setattr(event_log, "append", fail)
        body = {**EDGE, "mgmt_ip": "192.168.204.9", "bm_ip": "10.9.9.9"}
        assert post(world, "/v1/ihosts", body).status == 500
        assert world.client.post("/v1/ihosts", body).status == 500
    assert hosts(world) == []
    assert rows(world) == 0
    assert world.client.get("/v1/addresses").json == {"addresses": []}
    assert post(world, "/v1/ihosts", body).status == 200


def test_answers_are_forgotten_in_time_and_a_few_with_each_request(
    world: World,
) -> None:
    for number in range(30):
        body = {
            **EDGE,
            "hostname": f"edge-{number}",
            "mgmt_mac": f"52:54:00:00:00:{number:02x}",
        }
        assert post(world, "/v1/ihosts", body, key=f"key-{number}").status == 200
    assert rows(world) == 30
    world.clock.advance(timedelta(hours=24).total_seconds() - 1)
    assert post(world, "/v1/ihosts", body, key="key-29").status == 200
    world.clock.advance(1)
    late = post(world, "/v1/ihosts", body, key="key-29")
    assert late.fault["code"] == "hummingbird.host.hostname_taken"
    for number in range(3):
        world.client.delete(f"/v1/ihosts/edge-{number}")
    first = {**EDGE, "hostname": "edge-0"}
    assert post(world, "/v1/ihosts", first, key="new").status == 200
    assert rows(world) == 30 - 20 + 1
    again = {**EDGE, "hostname": "edge-1", "mgmt_mac": "52:54:00:00:00:01"}
    assert post(world, "/v1/ihosts", again, key="key-29").status == 200
    assert rows(world) == 2


def test_a_secret_is_not_kept_in_clear(world: World) -> None:
    post(world, "/v1/credentials", CREATES["/v1/credentials"])
    with world.database.reader() as connection:
        kept = connection.execute(select(IDEMPOTENCY)).one()
    assert "shop" not in str(kept)
    assert "very secret" not in str(kept)


def test_the_conductor_is_nudged_after_the_commit(world: World) -> None:
    world.add()
    seen: list[int] = []

    def look(_name: str) -> None:
        labels = world.client.get("/v1/ihosts/edge-0/labels").json["labels"]
        seen.append(len(labels))

    object.__setattr__(world.dependencies, "nudge", look)
    assert post(world, "/v1/labels/edge-0", {"line": "3"}).status == 200
    assert seen == [1]


def test_twins_make_one_host(world: World) -> None:
    count = 12
    barrier = threading.Barrier(count)

    def one(_number: int) -> Answer:
        barrier.wait(60)
        return post(world, "/v1/ihosts", EDGE)

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(one, range(count)))
    assert {(answer.status, answer.body) for answer in answers} == {
        (200, answers[0].body)
    }
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * (count - 1)
    assert hosts(world) == ["edge-0"]
