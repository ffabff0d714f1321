# SPDX-License-Identifier: Apache-2.0
"""Each role may do what StarlingX says that it may, and nothing else."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hummingbird.api.http import app
from hummingbird.api.http.app import build
from hummingbird.api.http.authentication import TokenDoor
from hummingbird.api.http.policy import RECHECK_SECONDS, Policy, list_rules, rule_of
from hummingbird.api.routes import FAULT_ROUTES, ROUTES
from hummingbird.context import RequestContext
from hummingbird.errors import PolicyInvalid
from tests.functional.api.conftest import TOKEN, Answer, Client, World

ROLES = ("reader", "operator", "configurator", "admin")


def as_role(
    monkeypatch: pytest.MonkeyPatch, *roles: str, project: str | None = "admin"
) -> None:
    """Have every request come from a user with these roles in this project."""
    caller = RequestContext(user="kim", roles=roles, project=project)
    monkeypatch.setattr(app, "authenticate", lambda *_, **__: replace(caller))


@pytest.mark.parametrize(
    "route", [*ROUTES, *FAULT_ROUTES], ids=lambda route: f"{route[0]} {route[1]}"
)
def test_a_route_has_a_rule(route: tuple[str, str, object]) -> None:
    assert rule_of(route[0], route[1])


def test_a_rule_is_of_routes_that_there_are() -> None:
    there = {(method, path) for method, path, _ in (*ROUTES, *FAULT_ROUTES)}
    for rule in list_rules():
        for operation in getattr(rule, "operations", ()):
            path = re.escape(operation["path"]).replace(r"/\*", "/.+")
            about = re.compile(f"{operation['method']} {path}")
            assert any(about.fullmatch(" ".join(one)) for one in there), operation


def test_a_route_without_a_rule_does_not_start(world: World) -> None:
    route = ("GET", "/v1/nobody/said/who", lambda call: None)
    with pytest.raises(LookupError, match="who may GET /v1/nobody/said/who"):
        build(world.dependencies, door=TokenDoor(TOKEN), routes=[*ROUTES, route])


def test_whoever_writes_needs_more_than_a_reader() -> None:
    for method, path, _ in ROUTES:
        if method != "GET":
            assert "reader" not in rule_of(method, path).check_str, path


HOST = {"hostname": "edge-9", "personality": "edgeworker", "mgmt_mac": "52:54:00:0:9:9"}
CREDENTIAL = {"name": "x", "user": "edge", "password": "s"}
LOCK = [{"op": "replace", "path": "/serialid", "value": "7"}]
SUPPRESS = [{"op": "replace", "path": "/suppression_status", "value": "suppressed"}]

ALLOWED = {
    "GET /v1/ihosts": ROLES,
    "GET /v1/ihosts/edge-0": ROLES,
    "GET /v1/ihosts/edge-0/labels": ROLES,
    "POST /v1/ihosts": ("configurator", "admin"),
    "PATCH /v1/ihosts/edge-0": ("operator", "configurator", "admin"),
    "DELETE /v1/ihosts/edge-0": ("configurator", "admin"),
    "GET /v1/alarms": ROLES,
    "POST /v1/alarms": ("configurator", "admin"),
    "GET /v1/event_log": ROLES,
    "PATCH /v1/event_suppression/x": ("configurator", "admin"),
    "GET /v1/credentials": ("configurator", "admin"),
    "POST /v1/credentials": ("configurator", "admin"),
    "GET /v1/emns": ROLES,
    "POST /v1/emns": ("configurator", "admin"),
    "GET /v1/runs": ROLES,
    "GET /v1/isystems": ROLES,
    "GET /v1/health": (*ROLES, "stranger"),
    "GET /": (*ROLES, "stranger"),
}
BODIES: dict[str, object] = {
    "POST /v1/ihosts": HOST,
    "PATCH /v1/ihosts/edge-0": LOCK,
    "POST /v1/credentials": CREDENTIAL,
    "POST /v1/emns": {"name": "e", "cidr": "10.9.0.0/24", "attachment": "routed"},
    "PATCH /v1/event_suppression/x": SUPPRESS,
}


def ask(client: Client, operation: str) -> Answer:
    method, path = operation.split()
    body = BODIES.get(operation)
    if method == "GET" or method == "DELETE":
        return client.request(method, path)
    return client.post(path, body) if method == "POST" else client.patch(path, body)


@pytest.mark.parametrize("operation", ALLOWED)
def test_a_role_may_do_what_is_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    world.add()
    for role in (*ROLES, "stranger"):
        as_role(monkeypatch, role)
        refused = ask(world.client, operation).status == 403
        assert refused == (role not in ALLOWED[operation]), role


def test_a_role_of_another_project_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add()
    for project in ("kitchen", None):
        as_role(monkeypatch, *ROLES, project=project)
        assert world.client.get("/v1/ihosts").status == 403
        assert ask(world.client, "POST /v1/ihosts").status == 403
        assert world.client.get("/v1/alarms").status == 200, "as in StarlingX's FM"
        assert ask(world.client, "POST /v1/alarms").status == 403
    as_role(monkeypatch, "configurator", project="services")
    assert world.client.get("/v1/ihosts").status == 200


def test_a_refusal_is_told_in_the_words_of_both_clients(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role(monkeypatch, "reader")
    refused = ask(world.client, "POST /v1/ihosts")
    assert refused.status == 403
    assert refused.sentence == "kim is not allowed to add hosts."
    assert refused.fault["code"] == "hummingbird.forbidden"
    refused = ask(world.client, "POST /v1/alarms")
    assert refused.json["error_message"] == "kim is not allowed to set alarms."


def test_who_is_refused_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role(monkeypatch, "reader", "operator")
    assert ask(world.client, "POST /v1/ihosts").status == 403
    as_role(monkeypatch, "admin")
    assert world.client.get("/v1/ihosts").json == {"ihosts": []}


@pytest.fixture
def rules(world: World, tmp_path: Path) -> Path:
    """The operator's own file."""
    path = tmp_path / "policy.yaml"
    Policy(world.dependencies.conf, world.clock)  # registers the option
    world.dependencies.conf.set_override("policy_file", str(path), group="oslo_policy")
    return path


def write(path: Path, **rules: str) -> None:
    path.write_text(yaml.safe_dump(rules))


def test_an_operators_file_goes_before_the_rules_here(
    world: World, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(rules, **{"hummingbird:emns:get": "role:cartographer"})
    client = Client(build(world.dependencies, door=TokenDoor(TOKEN)))
    as_role(monkeypatch, "cartographer")
    assert client.get("/v1/emns").status == 200
    assert client.get("/v1/ihosts").status == 403
    as_role(monkeypatch, "admin")
    assert client.get("/v1/emns").status == 403


def test_a_file_that_changes_is_followed_without_a_restart(
    world: World, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(rules, **{"hummingbird:emns:get": "role:cartographer"})
    client = Client(build(world.dependencies, door=TokenDoor(TOKEN)))
    as_role(monkeypatch, "reader")
    assert client.get("/v1/emns").status == 403
    write(rules, **{"hummingbird:emns:get": "role:cartographer or role:reader"})
    world.clock.advance(RECHECK_SECONDS + 1)
    assert client.get("/v1/emns").status == 200
    rules.write_text("hummingbird:emns:get: [")
    world.clock.advance(RECHECK_SECONDS + 1)
    assert client.get("/v1/emns").status == 200, "what was well goes on"


@pytest.mark.parametrize(
    "text", ["x: [", "admin: 'rule:admin'", "config_api:ihosts:get: 'rule:nosuch'"]
)
def test_a_file_that_can_t_be_used_does_not_start(
    world: World, rules: Path, text: str
) -> None:
    rules.write_text(text)
    with pytest.raises(PolicyInvalid):
        build(world.dependencies, door=TokenDoor(TOKEN))


def test_a_decision_is_of_its_caller_alone(world: World) -> None:
    policy = Policy(world.dependencies.conf, world.clock)
    reader = RequestContext(user="kim", roles=("reader",), project="admin")
    for _ in range(2):
        assert policy.allows("config_api:ihosts:get", reader)
        assert not policy.allows("config_api:ihosts:post", reader)
        assert not policy.allows("config_api:ihosts:get", replace(reader, project="x"))
        assert not policy.allows("config_api:ihosts:get", replace(reader, roles=()))
        assert policy.allows(
            "config_api:ihosts:post", replace(reader, roles=("admin",))
        )


def test_the_rules_are_printed_for_operators() -> None:
    program = Path(sys.executable).parent / "oslopolicy-sample-generator"
    done = subprocess.run(
        [program, "--namespace", "hummingbird"],
        check=True,
        capture_output=True,
        text=True,
    )
    for rule in list_rules():
        assert f'"{rule.name}":' in done.stdout
    assert "POST  /v1/ihosts" in done.stdout
