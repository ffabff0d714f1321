# SPDX-License-Identifier: Apache-2.0
"""Odd bytes in every part of a request to every route: no answer is a failure of ours, each
is JSON, a stranger learns nothing, and what is refused has changed nothing."""

import json
import logging
from typing import Any, NoReturn

import pytest

from hummingbird.api.controllers.unused_resource import EMPTY
from hummingbird.api.routes import ROUTES as EVERY_ROUTE
from tests.functional.api.conftest import Answer, Client, World

_ALIKE = {f"/v1/{name}" for name in sorted(EMPTY)[1:]}
ROUTES = [route for route in EVERY_ROUTE if route[1] not in _ALIKE]
"""One of those stands for all that are answered with nothing, by the same lines."""

SQLITE_ONCE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

# As WSGI has them: each character is a byte of the path.
PATHS = (
    "\xff",
    "\xc3(",
    "\xed\xa0\x80",  # half a surrogate pair
    "\x00",
    "\x1b[31m",
    "a\r\nb",
    "..",
    "%2e%2e",
    "\xe2\x80\xae",  # right-to-left override
    "\xd9\xa3",  # a digit, though not of ASCII
    "9" * 400,
    "9999999999",
    "-1",
    "1e309",
    " ",
    "*",
    "\\",
    "{}",
)
STRANGE = 5
"""Of these a stranger sends the first."""
QUERIES = (
    "%ff",
    "%ff=1",
    "limit=%ff",
    "limit=1e309",
    "limit=NaN",
    "limit=99999999999999999999",
    "limit=%D9%A3",
    "limit=1_0",
    "limit=%00",
    "marker=%ff",
    "marker=%ed%a0%80",
    "sort_key=%ff",
    "since=0001-01-01T00:00:00%2B23:59",
    "since=9999-12-31T23:59:59-23:59",
    "wait=NaN",
    "after=99999999999999999999",
    "before=99999999999999999999",
    "host=%ed%a0%80",
    "section=%ff",
    "q.field=%ff",
    "q.field=alarm_id&q.op=eq&q.value=%00",
)
HEADERS = (
    {"HTTP_X_AUTH_TOKEN": "\xff"},
    {"HTTP_IF_MATCH": "\xff"},
    {"HTTP_IF_NONE_MATCH": "\x00"},
    {"HTTP_IDEMPOTENCY_KEY": "\xff"},
    {"HTTP_HOST": "\xff"},
    {"HTTP_HOST": ""},
    {"HTTP_X_FORWARDED_PROTO": "\xff"},
    {"HTTP_X_FORWARDED_FOR": "\xff\x00"},
    {"CONTENT_TYPE": "multipart/form-data; boundary=\xff"},
    {"CONTENT_TYPE": "\xff"},
    {"HTTP_ACCEPT": "\xff"},
    {"HTTP_COOKIE": "\xff"},
)
BODIES = (
    b"\xff",
    b'"\xed\xa0\x80"',
    b"nul",
    b"NaN",
    b"-Infinity",
    b"1e309",
    b"[-1e309]",
    b'{"hostname": "a", "hostname": "b"}',
    b'[{"op": "replace", "path": "/serialid", "path": "/uuid", "value": "x"}]',
    b'{"mtu": 99999999999999999999999}',
    b"9" * 5000,
    b"[" * 40 + b"]" * 40,
    b"[" * 900 + b"]" * 900,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'"\\ud800"',
    b'{"hostname": "\\udc00"}',
    b'{"\\u0000": 1}',
    b'{"hostname": "a\\u0000"}',
    b"\xef\xbb\xbf{}",
    b"{}\x00",
    '{"hostname": "a"}'.encode("utf-16"),
)
"""None of these is JSON as RFC 7493 has it, or fits into 64 bits."""
VALUES = (
    "null",
    "true",
    '"x"',
    "[]",
    "[null]",
    "[[]]",
    "[{}]",
    "{}",
    '{"name": "x", "cidr": "1.2.3.4/99999999999999999", "mtu": 1e308}',
    '{"hours": 1e308, "claim_key": "x"}',
    '{"hours": 18446744073709551615, "claim_key": "x"}',
    '{"network": "10.0.0.0", "prefix": 1e308, "name": "x"}',
    '[{"op": "replace", "path": "/uptime", "value": 1e308}]',
    '[{"op": "replace", "path": "/location", "value": {"a": 18446744073709551615}}]',
)
"""These are JSON, and make no sense."""


def strictly(text: bytes) -> Any:
    """Return what JSON says that holds neither NaN nor Infinity."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"an answer holds {constant}")

    return json.loads(text, parse_constant=refuse)


def see(answer: Answer, what: str) -> None:
    """See that an answer is one, and JSON."""
    assert answer.status < 500, f"{what}: {answer.status} {answer.body[:300]!r}"
    if answer.body:
        strictly(answer.body)


def filled(path: str, name: str) -> str:
    """Return a route's path with `name` in each of its places."""
    return "/".join(name if part.startswith("{") else part for part in path.split("/"))


def everywhere(path: str, odd: str) -> list[str]:
    """Return a route's path with something odd in each of its places, or behind it."""
    parts = path.split("/")
    places = [place for place, part in enumerate(parts) if part.startswith("{")]
    return [
        filled("/".join((*parts[:place], odd, *parts[place + 1 :])), "edge-0")
        for place in places
    ] or [f"{path}/{odd}"]


@SQLITE_ONCE
def test_odd_bytes_in_a_path_are_no_failure(world: World) -> None:
    world.add_ready()
    stranger = Client(world.client.application, token=None)
    for method, route, _ in ROUTES:
        for place, odd in enumerate(PATHS):
            for path in everywhere(route, odd):
                body = None if method == "GET" else b"{}"
                see(world.client.request(method, path, body=body), repr(path))
            if place < STRANGE:
                told = stranger.request(method, path, body=body)
                assert told.status == 401, f"a stranger learns of {path!r}"


def test_a_path_that_is_no_text_is_no_path(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stranger = Client(world.client.application, token=None)
    assert stranger.get("/\xff").status == 401
    assert len(caplog.records) == 1
    answer = world.client.get("/v1/ihosts/\xff")
    assert answer.status == 404
    assert answer.sentence.startswith("Not Found")
    assert all(record.exc_info is None for record in caplog.records)


@SQLITE_ONCE
def test_odd_bytes_in_a_query_are_no_failure(world: World) -> None:
    world.add_ready()
    for method, route, _ in ROUTES:
        for query in QUERIES:
            body = None if method == "GET" else b"{}"
            path = filled(route, "edge-0")
            answer = world.client.request(
                method, path, body=body, QUERY_STRING=query, CONTENT_TYPE="text/plain"
            )
            see(answer, f"{method} {path}?{query}")


@SQLITE_ONCE
def test_odd_bytes_in_a_header_are_no_failure(world: World) -> None:
    world.add_ready()
    for method, route, _ in ROUTES:
        for headers in HEADERS:
            path = filled(route, "edge-0")
            answer = world.client.request(method, path, **headers)
            see(answer, f"{method} {path} {headers}")


@SQLITE_ONCE
def test_a_body_that_is_not_json_changes_nothing(world: World) -> None:
    world.add_ready()
    shown = ("/v1/ihosts", "/v1/emns", "/v1/credentials", "/v1/alarms", "/v1/runs")
    before = [world.client.get(path).json for path in shown]
    for method, route, _ in ROUTES:
        if method in ("GET", "DELETE"):
            continue
        for body in BODIES:
            path = filled(route, "edge-0")
            answer = world.client.request(method, path, body=body)
            see(answer, f"{method} {path} {body[:40]!r}")
    assert [world.client.get(path).json for path in shown] == before


@SQLITE_ONCE
def test_a_body_that_makes_no_sense_is_no_failure(world: World) -> None:
    world.add_ready()
    for method, route, _ in ROUTES:
        if method in ("GET", "DELETE"):
            continue
        for body in VALUES:
            path = filled(route, "edge-0")
            answer = world.client.request(method, path, body=body.encode())
            see(answer, f"{method} {path} {body[:60]}")


@pytest.mark.parametrize("body", BODIES)
def test_what_is_not_json_is_refused_by_its_code(world: World, body: bytes) -> None:
    answer = world.client.request("POST", "/v1/ihosts", body=body)
    assert answer.status == 400
    assert answer.fault["code"] == "hummingbird.bad_request"
    # What was asked is told by its length: the log holds nothing that is not JSON.
    (entry,) = world.client.get("/v1/audit_log", limit=1).json["audit_log"]
    assert entry["asked"] == {"bytes": len(body)}
