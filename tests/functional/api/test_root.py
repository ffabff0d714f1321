# SPDX-License-Identifier: Apache-2.0
"""What a client meets first: versions, the token, faults, limits."""

import json
import logging

import pytest

from hummingbird.api.routes import ROUTES
from hummingbird.context import CURRENT
from hummingbird.db.repository import hearing
from hummingbird.domain.hearing import GatewayRecord
from tests.functional.api.conftest import Client, World

ROOT_KEYS = ["name", "description", "versions", "default_version"]
V1_FIRST_KEYS = ["id", "media_types", "links", "isystems", "ihosts"]


def test_the_roots_need_no_token_and_name_what_is_served(client: Client) -> None:
    client.token = None
    root = client.get("/")
    assert root.status == 200
    assert list(root.json) == ROOT_KEYS
    version = {
        "id": "v1",
        "links": [{"href": "http://edge.example:6385/v1/", "rel": "self"}],
    }
    assert root.json["versions"] == [version]
    assert root.json["default_version"] == version
    assert root.headers["Content-Type"] == "application/json"
    for path in ("/v1", "/v1/"):
        v1 = client.get(path)
        assert v1.status == 200
        assert list(v1.json)[:5] == V1_FIRST_KEYS
        assert v1.json["ihosts"] == [
            {"href": "http://edge.example:6385/v1/ihosts/", "rel": "self"},
            {"href": "http://edge.example:6385/ihosts/", "rel": "bookmark"},
        ]


def test_every_resource_that_the_root_names_is_served(client: Client) -> None:
    named = set(client.get("/v1").json) - {"id", "media_types", "links"}
    for name in named:
        assert client.get(f"/v1/{name}").status == 200, name


def test_links_follow_the_scheme_of_the_proxy(client: Client) -> None:
    answer = client.request("GET", "/", HTTP_X_FORWARDED_PROTO="https")
    assert answer.json["versions"][0]["links"][0]["href"].startswith("https://edge.")


@pytest.mark.parametrize("token", [None, "", "wrong", "the token of these test", "é"])
def test_without_the_token_nothing_else_is_shown(
    client: Client, token: str | None
) -> None:
    client.token = token
    for method, path, _ in ROUTES:
        if path not in ("/", "/v1", "/v1/health"):
            assert client.request(method, path).status == 401, path
    answer = client.get("/v1/not/even/a/path")
    assert answer.status == 401
    assert answer.fault["faultcode"] == "Client"
    assert answer.fault["code"] == "hummingbird.not_authenticated"


def test_health_is_public_and_asks_the_database(world: World) -> None:
    world.client.token = None
    nobody = {"listening": 0, "gone": 0, "silent_seconds": 0}
    said = {"ready": True, "gateways": nobody}
    assert world.client.get("/v1/health").json == said


def test_health_says_what_becomes_of_the_gateways(world: World) -> None:
    def told() -> tuple[int, int, float]:
        said = world.client.get("/v1/health").json["gateways"]
        return said["listening"], said["gone"], said["silent_seconds"]

    def write(name: str, *, clock: float, farewell: bool = False) -> None:
        record = GatewayRecord(
            name=name,
            incarnation=name,
            clock=clock,
            listening_since=0.0,
            complete=clock,
            gone_after=8.0,
            farewell=farewell,
        )
        with world.database.writer() as connection:
            hearing.write(connection, record, now=world.clock.now())

    write("one", clock=1.0)
    write("two", clock=2.0)
    assert told() == (2, 0, 0)
    world.clock.advance(7.0)
    assert told() == (2, 0, 7)
    write("two", clock=12.0)
    assert told() == (1, 1, 0)
    write("two", clock=13.0, farewell=True)
    assert told() == (0, 1, 0)


@pytest.mark.parametrize("path", ["/v2", "/v1/nothing", "/v1/ihosts/1/nothing"])
def test_an_unknown_path_is_told_in_sysinvs_form(world: World, path: str) -> None:
    world.add()
    answer = world.client.get(path)
    assert answer.status == 404
    fault = answer.fault
    assert fault.pop("faultstring").startswith("Not Found: ")
    assert fault == {"code": 404, "title": "Not Found", "description": ""}
    assert answer.headers["Content-Type"].startswith("application/json")


def test_an_unknown_method_is_told_with_those_that_are_known(client: Client) -> None:
    answer = client.request("PUT", "/v1/ihosts")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert answer.fault["code"] == 405


@pytest.mark.parametrize(
    "path", ["/v1/ihosts/__class__", "/v1/ihosts/_router", "/v1/ihosts/%00"]
)
def test_no_path_reaches_into_the_program(client: Client, path: str) -> None:
    assert client.get(path.replace("%00", "\x00")).status == 404


def test_fm_paths_tell_errors_in_fms_form(client: Client) -> None:
    answer = client.get("/v1/alarms/no-such-alarm")
    assert answer.status == 404
    sentence = "Alarm no-such-alarm could not be found."
    assert answer.json["error_message"] == sentence
    first = next(iter(answer.json.values()))
    assert first == {"message": sentence, "code": "hummingbird.not_found"}
    assert client.get("/v1/event_log/x/y").json == {"error_message": "Not Found"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"hostname": NaN}',
        b'{"hostname": "a\\u0000b"}',
        b'{"hostname": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_json_is_refused(client: Client, body: bytes) -> None:
    answer = client.request("POST", "/v1/ihosts", body=body)
    assert answer.status == 400
    assert answer.sentence == "Request is not in valid JSON format"


def test_a_body_that_is_too_large_is_refused_unread(client: Client) -> None:
    answer = client.request("POST", "/v1/ihosts", CONTENT_LENGTH=str(1024 * 1024 + 1))
    assert answer.status == 413
    assert answer.fault["code"] == "hummingbird.body_too_large"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_what_a_client_accepts_does_not_matter(client: Client, accept: str) -> None:
    answer = client.request("GET", "/v1/ihosts", HTTP_ACCEPT=accept)
    assert answer.status == 200
    assert answer.json == {"ihosts": []}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_is_json_whatever_it_says_to_be(client: Client, kind: str) -> None:
    body = json.dumps({"name": "a", "cidr": "10.1.0.0/24"}).encode()
    answer = client.request("POST", "/v1/emns", body=body, CONTENT_TYPE=kind)
    assert answer.status == 201


def test_an_unforeseen_failure_tells_nothing_but_that(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> list[dict[str, object]]:
        raise RuntimeError("secret detail")

    object.__setattr__(world.dependencies, "reconcilers", broken)
    answer = world.client.get("/v1/reconcilers")
    assert answer.status == 500
    assert answer.fault["faultcode"] == "Server"
    assert b"secret detail" not in answer.body
    assert "secret detail" in caplog.text


def test_a_request_is_logged_without_its_words(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    requests: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        context = CURRENT.get()
        requests.append("" if context is None else context.request_id)
        return True

    caplog.handler.addFilter(note)
    with caplog.at_level(logging.INFO, logger="hummingbird.api"):
        world.add("edge-7", serialid="do-not-log")
        world.client.get("/v1/ihosts", marker="edge-7")
    lines = [r.getMessage() for r in caplog.records if r.name == "hummingbird.api"]
    assert lines[0].startswith("POST /v1/ihosts 200 ")
    assert requests[0].startswith("req-"), "what the log's format names it by"
    assert "do-not-log" not in caplog.text
    assert "the token" not in caplog.text


def test_this_system_can_be_shown(client: Client) -> None:
    answer = client.get("/v1/isystems")
    assert answer.status == 200
    (system,) = answer.json["isystems"]
    assert list(system) == [
        "uuid",
        "name",
        "system_type",
        "system_mode",
        "description",
        "contact",
        "location",
        "latitude",
        "longitude",
        "software_version",
        "timezone",
        "links",
        "capabilities",
        "region_name",
        "distributed_cloud_role",
        "service_project_name",
        "security_feature",
        "created_at",
        "updated_at",
    ]
    assert client.get(f"/v1/isystems/{system['uuid']}").json == system
    assert client.get("/v1/isystems/other").status == 404


def test_reconcilers_are_listed_as_the_conductor_reports(client: Client) -> None:
    answer = client.get("/v1/reconcilers")
    alarm = {"name": "alarm", "looked_at": 3, "leader": None}
    assert answer.json == {"reconcilers": [alarm]}
