# SPDX-License-Identifier: Apache-2.0
"""The API before a real sysinv: one address for its hosts and ours."""

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from hummingbird.api.service import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import open_database, secret_box, sysinv_relay
from hummingbird.conf import Conf, new
from hummingbird.db.repository.host import FIRST_ID
from hummingbird.db.session import Database
from hummingbird.errors import SysinvIdsMayClash, SysinvUrlInvalid
from tests.fakes.sysinv import SYSTEM_UUID, TOKEN, FakeSysinv

PATIENCE = 60
PASSAGES = 4


@dataclass
class World:
    """An API, a sysinv behind it, and who asks."""

    url: str
    sysinv: FakeSysinv
    database: Database
    conf: Conf
    token: str | None = TOKEN

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {} if self.token is None else {"X-Auth-Token": self.token}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.url}{path}",
                headers={**headers, **more.pop("headers", {})},
                timeout=PATIENCE,
                **more,
            )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, name: str, **more: Any) -> requests.Response:
        number = int(name.rsplit("-", 1)[1])
        body = {
            "hostname": name,
            "personality": "edgeworker",
            "mgmt_mac": f"52:54:00:00:00:{number:02x}",
            **more,
        }
        return self.ask("POST", "/v1/ihosts", json=body)

    def names(self, **query: Any) -> list[str]:
        listed = self.get("/v1/ihosts", **query)["ihosts"]
        return [host["hostname"] for host in listed]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def sysinv() -> Iterator[FakeSysinv]:
    made = FakeSysinv()
    yield made
    made.stop()


@pytest.fixture
def conf(tmp_path: Path, sysinv: FakeSysinv) -> Conf:
    made = new()
    made([], project="hummingbird", default_config_files=[])
    token = tmp_path / "token"
    token.write_text(TOKEN)
    for group, values in {
        None: {"state_directory": str(tmp_path / "state")},
        "api": {"port": 0, "fm_port": 0, "threads": 4, "token_file": str(token)},
        "sysinv": {
            "upstream": f"{sysinv.url}/v1",
            "connect_seconds": 10.0,
            "away_seconds": 0.0,
            "passages": PASSAGES,
        },
    }.items():
        for name, value in values.items():
            made.set_override(name, value, group=group)
    made.set_override("tls", False, group="api")
    return made


@pytest.fixture
def world(conf: Conf, sysinv: FakeSysinv) -> Iterator[World]:
    clock = SystemClock()
    database = open_database(conf, clock)
    service = ApiService(
        conf,
        database,
        clock,
        secret_box(conf),
        lambda *_: None,
        sysinv=sysinv_relay(conf, clock, database),
    )
    service.start()
    yield World(service.url, sysinv, database, conf)
    sysinv.may_go_on.set()
    service.stop()
    database.dispose()


def test_one_list_shows_the_hosts_of_both(world: World) -> None:
    added = world.add("edge-1").json()
    listed = world.get("/v1/ihosts")["ihosts"]
    assert [one["hostname"] for one in listed] == [
        "controller-0",
        "compute-0",
        "edge-1",
    ]
    assert [one["id"] for one in listed] == [1, 2, added["id"]]
    assert added["id"] > FIRST_ID
    assert listed[:2] == world.sysinv.hosts
    assert "next" not in world.get("/v1/ihosts")
    assert world.names(personality="edgeworker") == ["edge-1"]
    assert world.names(personality="controller") == ["controller-0"]
    assert len(world.get("/v1/ihosts/detail")["ihosts"]) == 3


def test_each_host_is_found_by_each_of_its_names(world: World) -> None:
    world.add("edge-1")
    for host in world.get("/v1/ihosts")["ihosts"]:
        for name in (host["id"], host["uuid"], host["hostname"]):
            assert world.get(f"/v1/ihosts/{name}")["hostname"] == host["hostname"]


@pytest.mark.parametrize("sort_dir", ["asc", "desc"])
def test_pages_of_both_are_walked_to_the_end(world: World, sort_dir: str) -> None:
    for number in (3, 1, 2):
        world.add(f"edge-{number}")
    for sort_key in ("id", "hostname", "mgmt_mac", "task"):
        order = {"sort_key": sort_key, "sort_dir": sort_dir}
        whole = world.names(**order)
        assert len(whole) == 5
        if sort_key != "task":
            hosts = world.get("/v1/ihosts")["ihosts"]
            hosts.sort(key=lambda one: one[sort_key], reverse=sort_dir == "desc")
            assert whole == [one["hostname"] for one in hosts]
        for limit in (1, 2, 3):
            assert _walked(world, limit=limit, **order) == whole, (sort_key, limit)


def _walked(world: World, **query: Any) -> list[str]:
    walked: list[str] = []
    path = f"/v1/ihosts?{urlencode(query)}"
    while path:
        page = world.get(path)
        assert len(page["ihosts"]) <= query["limit"]
        walked += [one["hostname"] for one in page["ihosts"]]
        assert len(walked) <= 5
        path = page.get("next", "").removeprefix(world.url)
    return walked


def test_a_list_refuses_what_it_refuses_alone(world: World) -> None:
    for query in ("limit=x", "limit=-1", "sort_dir=up", "sort_key=no_such", "red=1"):
        answer = world.ask("GET", f"/v1/ihosts?{query}")
        assert answer.status_code == 400, query
        assert json.loads(answer.json()["error_message"])["faultcode"] == "Client"


def test_a_marker_that_nobody_has_is_not_found(world: World) -> None:
    assert world.ask("GET", "/v1/ihosts?marker=nobody&limit=1").status_code == 404


def test_what_is_not_ours_goes_through_as_it_is(world: World) -> None:
    answer = world.ask(
        "PATCH",
        "/v1//ihosts/controller-0/?a=%2F&b=",
        data=b'[ {"op":"replace"} ]',
        headers={
            "Accept": "text/plain",
            "Connection": "X-Secret, keep-alive",
            "X-Secret": "of this connection",
            "TE": "trailers",
            "User-Agent": "mtce/1",
            "X-Forwarded-For": "10.0.0.9",
            "Content-Type": "application/x-odd",
        },
    )
    assert answer.status_code == 400
    expected = b'{"error_message":  "{\\"faultstring\\": \\"Avoiding lock\\"}"}\n'
    assert answer.content == expected
    assert answer.headers["X-Odd"] == "a;b"
    assert answer.headers["Set-Cookie"] == "a=1"
    assert "Keep-Alive" not in answer.headers
    (seen,) = world.sysinv.seen
    assert seen.target == "/v1//ihosts/controller-0/?a=%2F&b="
    assert seen.body == b'[ {"op":"replace"} ]'
    host = world.url.removeprefix("http://")
    expected_headers = {
        "X-Auth-Token": TOKEN,
        "Host": host,
        "User-Agent": "mtce/1",
        "Accept": "text/plain",
        "Content-Type": "application/x-odd",
        "Content-Length": "20",
        "X-Forwarded-For": "10.0.0.9, 127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": host,
        "Via": "1.1 hummingbird",
    }
    for name, value in expected_headers.items():
        assert seen.headers[name] == value, name
    assert not {"X-Secret", "Te"} & set(seen.headers)


_THEIRS = [
    ("GET", "/v1/nothing/at/all", 404),
    ("GET", "/v1/ihosts/nobody", 404),
    ("GET", "/v1/ihosts/controller-0/iinterfaces", 200),
    ("PUT", "/v1/echo", 200),
    ("HEAD", "/v1/echo", 200),
    ("POST", "/v1/istors", 404),
    ("GET", "/v1/labels/no-such-label", 400),
    ("DELETE", "/v1/ihosts/compute-0", 204),
    ("GET", "/v1/isystems", 200),
    ("GET", "/v1/health", 200),
    ("GET", "/v1/health/kube-upgrade", 404),
    ("GET", "/v1/license/get_license_file", 404),
    ("GET", "/v1/certificate/get_all_certs", 404),
]


def test_paths_that_are_not_ours_are_sysinvs(world: World) -> None:
    direct = replace(world, url=world.sysinv.url)
    for method, path, status in _THEIRS:
        there = direct.ask(method, path)
        if method == "DELETE":
            world.sysinv.add("compute-0", "worker", "52:54:00:aa:00:09")
        here = world.ask(method, path)
        assert (here.status_code, here.content) == (there.status_code, there.content)
        assert here.status_code == status, path


def test_paths_that_are_ours_stay_here(world: World) -> None:
    world.add("edge-1")
    world.sysinv.seen.clear()
    for path in (
        "/v1/alarms",
        "/v1/runs",
        "/v1/emns",
        "/v1/credentials",
        "/v1/heartbeats",
        "/v1/ihosts/edge-1",
        "/v1/ihosts/EDGE-1/icpus",
        "/v1/ihosts/edge-1/labels",
    ):
        world.get(path)
    assert world.ask("GET", "/v1/ihosts/edge-1/nothing").status_code == 404
    assert world.ask("GET", "/v1/alarms/nothing").status_code == 404
    assert world.sysinv.seen == []


def test_sysinv_checks_the_tokens_of_its_callers_and_we_those_of_ours(
    world: World,
) -> None:
    world.add("edge-1")
    world.token = "somebody's"
    refused = world.ask("GET", "/v1/ihosts/controller-0")
    assert (refused.status_code, refused.text) == (401, "Authentication required")
    for path in ("/v1/ihosts", "/v1/ihosts/edge-1", "/v1/runs", "/v1/labels"):
        answer = world.ask("GET", path)
        assert answer.status_code == 401, path
        assert "hummingbird.not_authenticated" in answer.text, path
    world.token = None
    public = "/v1/ihosts/52:54:00:aa:00:01/mgmt_ip"
    assert world.get(public) == {"mgmt_ip": "192.168.204.2"}
    assert world.get("/v1/health") == {"ready": True}
    assert world.get("/") == {"name": "the real sysinv"}


def test_a_host_is_added_where_its_personality_says(world: World) -> None:
    body = b'{"hostname": "storage-0", "personality": "storage",  "mgmt_mac": "m"}'
    answer = world.ask("POST", "/v1/ihosts", data=body)
    assert answer.json()["id"] == 3
    assert world.sysinv.seen[-1].body == body
    assert world.add("edge-1").json()["personality"] == "edgeworker"
    assert [one["hostname"] for one in world.sysinv.hosts] == [
        "controller-0",
        "compute-0",
        "storage-0",
    ]


_TAKEN = [
    ({"hostname": "compute-0"}, "Host-add Rejected: Hostname already exists"),
    (
        {"mgmt_mac": "52:54:00:AA:00:02"},
        "Host-add Rejected: Host with mgmt_mac 52:54:00:aa:00:02 already exists",
    ),
    ({"mgmt_ip": "192.168.204.3"}, "Address 192.168.204.3"),
]


def test_an_edgeworker_gets_no_name_that_a_host_of_sysinv_has(world: World) -> None:
    for taken, sentence in _TAKEN:
        answer = world.add("edge-1", **taken)
        assert answer.status_code in (400, 409), taken
        inner = json.loads(answer.json()["error_message"])
        assert inner["faultstring"].startswith(sentence)
    assert world.add("edge-1").status_code == 200


def test_a_host_of_sysinv_gets_no_name_that_an_edgeworker_has(world: World) -> None:
    world.add("edge-1")
    for taken in ({"hostname": "edge-1"}, {"mgmt_mac": "52:54:00:00:00:01"}):
        answer = world.add("compute-7", personality="worker", **taken)
        assert answer.status_code == 400
        assert "already exists" in answer.text
        world.token = "somebody's"
        told = world.add("compute-7", personality="worker", **taken)
        assert (told.status_code, told.text) == (401, "Authentication required")
        world.token = TOKEN
    assert world.add("compute-7", personality="worker").json()["id"] == 3


def test_labels_of_both_are_listed_and_each_is_set_where_its_host_is(
    world: World,
) -> None:
    edge = world.add("edge-1").json()
    world.sysinv.labels = [{"uuid": "u1", "label_key": "a", "label_value": "b"}]
    answer = world.ask("POST", f"/v1/labels/{edge['uuid']}", json={"c": "d"})
    (label,) = answer.json()["labels"]
    listed = world.get("/v1/labels")["labels"]
    assert [one["label_key"] for one in listed] == ["a", "c"]
    assert world.get(f"/v1/labels/{label['uuid']}") == label
    assert world.ask("DELETE", f"/v1/labels/{label['uuid']}").status_code == 204
    theirs = world.sysinv.hosts[0]["uuid"]
    world.ask("POST", f"/v1/labels/{theirs}", json={"c": "d"})
    assert world.sysinv.seen[-1].path == f"/v1/labels/{theirs}"


def test_what_is_made_is_made_by_whom_its_body_is_for(world: World) -> None:
    pool = {"name": "more", "network": "10.9.0.0", "prefix": 24}
    assert world.ask("POST", "/v1/addrpools", json=pool).status_code == 404
    assert world.sysinv.seen[-1].path == "/v1/addrpools"
    theirs = world.ask("POST", "/v1/apps", json={"tarfile": "x.tgz"})
    assert (theirs.status_code, world.sysinv.seen[-1].path) == (404, "/v1/apps")
    ours = world.ask("POST", "/v1/addrpools", json={**pool, "emn": "mn"})
    assert "hummingbird.address_pool.taken" in ours.text
    assert world.sysinv.seen[-1].path == "/v1/apps"
    by_number = world.ask("GET", "/v1/networks/1")
    assert (by_number.status_code, world.sysinv.seen[-1].path) == (
        404,
        "/v1/networks/1",
    )
    mine = world.get("/v1/networks/mn")
    assert world.get(f"/v1/networks/{mine['uuid']}") == mine


def test_a_file_of_hosts_is_whose_hosts_it_has(world: World) -> None:
    world.add("edge-1")
    ours = world.get("/v1/ihosts/bulk_export", personality="edgeworker")
    assert "edge-1" in ours["content"]
    refused = world.ask("GET", "/v1/ihosts/bulk_export")
    assert (refused.status_code, world.sysinv.seen[-1].path) == (
        404,
        "/v1/ihosts/bulk_export",
    )


def test_both_are_one_system_and_stay_so(world: World) -> None:
    world.add("edge-1")
    world.sysinv.stop()
    before = world.get("/v1/ihosts/edge-1")["isystem_uuid"]
    world.sysinv.start()
    assert before != SYSTEM_UUID
    listed = world.get("/v1/ihosts", isystem_id=SYSTEM_UUID)["ihosts"]
    assert {one["isystem_uuid"] for one in listed} == {SYSTEM_UUID}
    world.sysinv.stop()
    assert world.get("/v1/ihosts/edge-1")["isystem_uuid"] == SYSTEM_UUID
    (system,) = world.get("/v1/isystems")["isystems"]
    assert system["uuid"] == SYSTEM_UUID


def test_the_list_of_resources_names_those_of_both(world: World) -> None:
    resources = world.get("/v1")
    assert resources["istors"] == resources["ihosts"] == ["theirs"]
    assert "runs" in resources


def test_without_sysinv_edgeworkers_are_served_and_lists_say_what_they_lack(
    world: World,
) -> None:
    edge = world.add("edge-1").json()
    world.sysinv.stop()
    assert world.add("edge-2").status_code == 200
    assert world.ask("GET", "/v1/ihosts/edge-1").headers.get("Warning") is None
    assert world.ask("DELETE", "/v1/ihosts/edge-2").status_code == 204
    for path in (
        "/v1/ihosts",
        "/v1/ihosts/detail",
        f"/v1/ihosts?marker={world.sysinv.hosts[0]['uuid']}&limit=5",
        "/v1/labels",
        "/v1/isystems",
        "/v1",
        "/",
    ):
        answer = world.ask("GET", path)
        assert answer.status_code == 200, path
        assert answer.headers["Warning"].startswith('199 hummingbird "sysinv'), path
        if "ihosts" in path:
            assert [one["uuid"] for one in answer.json()["ihosts"]] == [edge["uuid"]]
    for method, path in (
        ("GET", "/v1/ihosts/controller-0"),
        ("DELETE", "/v1/labels/2a9f0c5e-54a1-4a7f-9a5e-7c3c0f6b2d11"),
        ("POST", "/v1/istors"),
    ):
        answer = world.ask(method, path)
        assert answer.status_code == 503, path
        inner = json.loads(answer.json()["error_message"])
        assert inner["code"] == "hummingbird.sysinv.unavailable"
        assert inner["worth_a_retry"] is True
    world.sysinv.start()
    assert len(world.names()) == 3


def test_a_list_that_sysinv_cannot_give_is_ours_with_a_warning(world: World) -> None:
    world.add("edge-1")
    world.sysinv.list_status = 500
    answer = world.ask("GET", "/v1/ihosts")
    assert [one["hostname"] for one in answer.json()["ihosts"]] == ["edge-1"]
    assert "status 500" in answer.headers["Warning"]


def test_a_sysinv_that_was_found_away_keeps_nobody_waiting(world: World) -> None:
    world.conf.set_override("away_seconds", 0.0, group="sysinv")
    world.add("edge-1")
    world.sysinv.is_slow = True
    with ThreadPoolExecutor(PASSAGES) as pool:
        passed = [
            pool.submit(world.ask, "GET", "/v1/ihosts/controller-0")
            for _ in range(PASSAGES)
        ]
        world.until(lambda: world.sysinv.waiting == PASSAGES)
        # Every passage is taken by a request that waits for sysinv.
        assert world.get("/v1/ihosts/edge-1")["hostname"] == "edge-1"
        assert world.add("edge-2").status_code == 200
        listed = world.ask("GET", "/v1/ihosts")
        assert "Warning" in listed.headers
        assert len(listed.json()["ihosts"]) == 2
        refused = world.ask("GET", "/v1/ihosts/compute-0")
        assert refused.status_code == 503
        assert "hummingbird.sysinv.busy" in refused.text
        world.sysinv.may_go_on.set()
        assert {one.result().status_code for one in passed} == {200}
    assert world.get("/v1/ihosts/compute-0")["hostname"] == "compute-0"


def test_a_large_body_is_passed_on_while_it_comes(world: World) -> None:
    piece = b"x" * 65536
    sent = 160  # pieces: 10 MiB, ten times what a body of ours may be

    def body() -> Iterator[bytes]:
        yield piece
        assert world.sysinv.has_received.wait(20), "it was held back"
        for _ in range(sent - 1):
            yield piece

    answer = world.ask("PUT", "/v1/echo", data=body())
    whole = hashlib.sha256(piece * sent).hexdigest()
    assert answer.json() == {"size": sent * len(piece), "sha256": whole}
    again = world.ask("POST", "/v1/echo", data=piece * sent)
    assert again.json() == answer.json()
    assert world.sysinv.seen[-1].headers["Content-Length"] == str(sent * len(piece))


def test_a_large_host_to_be_added_is_not_judged_here(world: World) -> None:
    big = {"hostname": "h", "personality": "worker", "mgmt_mac": "m", "x": "y" * 2**21}
    body = json.dumps(big).encode()

    def pieces() -> Iterator[bytes]:
        yield body[: 2**20 + 7]
        yield body[2**20 + 7 :]

    for data in (body, pieces()):
        answer = world.ask("POST", "/v1/ihosts", data=data)
        assert (answer.status_code, "Too large" in answer.text) == (413, True)
        begun = world.sysinv.seen[-1].body
        assert len(begun) > 2**19 and body.startswith(begun)


def test_a_body_that_is_too_large_for_us_is_refused_unread(world: World) -> None:
    for path in ("/v1/runs", "/v1/emns"):
        answer = world.ask("POST", path, data=b" " * (3 * 2**20))
        assert answer.status_code == 413, path


def test_an_answer_is_passed_on_while_it_comes(world: World) -> None:
    answer = world.ask("GET", "/v1/stream", stream=True)
    pieces = answer.iter_content(None)
    assert next(pieces) == b"first"
    world.sysinv.may_go_on.set()
    assert b"".join(pieces) == b"last"


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(world: World) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = world.ask("GET", "/v1/broken").content
    assert world.get("/v1/ihosts/compute-0")["hostname"] == "compute-0"


def test_a_client_that_goes_away_in_the_middle_frees_its_passage(world: World) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    for _ in range(PASSAGES + 1):
        world.sysinv.has_received.clear()
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as gone:
            gone.sendall(
                b"POST /v1/echo HTTP/1.1\r\nHost: a\r\nX-Auth-Token: x\r\n"
                b"Content-Length: 1000000\r\n\r\n" + b"x" * 200_000
            )
            assert world.sysinv.has_received.wait(20)
    world.until(
        lambda: world.ask("GET", "/v1/ihosts/compute-0").status_code == 200,
    )


def test_many_at_once_get_their_own_answers(world: World) -> None:
    world.conf.set_override("passages", 64, group="sysinv")
    for number in range(8):
        world.add(f"edge-{number}")

    def one(number: int) -> bool:
        name = f"edge-{number % 8}" if number % 3 else "compute-0"
        if number % 5 == 0:
            return {"compute-0", "edge-7"} <= set(world.names())
        answer = world.ask("GET", f"/v1/ihosts/{name}")
        # Too many with sysinv at one time is a word that is foreseen.
        return answer.status_code == 503 or answer.json()["hostname"] == name

    with ThreadPoolExecutor(PASSAGES) as pool:
        assert all(pool.map(one, range(60)))


def test_connections_to_sysinv_are_used_again(world: World) -> None:
    for _ in range(5):
        world.get("/v1/ihosts/compute-0")
        world.get("/v1/ihosts")
    assert world.sysinv.connections == 1


def test_hosts_whose_ids_could_be_sysinvs_are_named_at_the_start(
    conf: Conf, sysinv: FakeSysinv
) -> None:
    clock = SystemClock()
    database = open_database(conf, clock)
    with database.writer() as connection:
        connection.exec_driver_sql(
            "INSERT INTO host (id, uuid, hostname, mgmt_mac, state, state_since, "
            "generation, location, capabilities, attributes, created_at) VALUES "
            "(3, 'u', 'edge-old', 'm', 'added', '2026-01-01 00:00:00', 1, '{}', '{}',"
            " '{}', '2026-01-01 00:00:00')"
        )
    with pytest.raises(SysinvIdsMayClash, match="edge-old"):
        sysinv_relay(conf, clock, database)
    database.dispose()


@pytest.mark.parametrize("url", ["controller:6385", "ftp://x", "http://", "http://a:b"])
def test_an_upstream_that_is_no_url_ends_the_start(conf: Conf, url: str) -> None:
    conf.set_override("upstream", url, group="sysinv")
    clock = SystemClock()
    database = open_database(conf, clock)
    with pytest.raises(SysinvUrlInvalid):
        sysinv_relay(conf, clock, database)
    database.dispose()
