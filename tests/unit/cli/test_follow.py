# SPDX-License-Identifier: Apache-2.0
"""Each step of a run is told once, as it happens, and the run's end is the exit status."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hummingbird.cli import follow as follow_module
from hummingbird.cli.client import Client
from hummingbird.cli.endpoint import Endpoint
from hummingbird.cli.follow import INTERRUPTED, follow
from hummingbird.cli.terminal import Terminal
from tests.unit.cli.conftest import Answer, Asked, Run, Server

UUID = "00000000-0000-0000-0000-000000000007"
QUEUED = "2026-11-24T10:00:00+00:00"


def _event(
    number: int, second: float, step: str, state: str, **more: Any
) -> dict[str, Any]:
    return {
        "id": number,
        "at": f"2026-11-24T10:00:{second:09.6f}+00:00",
        "step": step,
        "state": state,
        "task": None,
        "message": "",
        "duration_seconds": None,
        **more,
    }


EVENTS = [
    _event(1, 0.5, "connect", "running"),
    _event(2, 1.0, "connect", "done", duration_seconds=0.5),
    _event(3, 1.0, "images", "running"),
    _event(4, 2.0, "images", "ok", task="Look"),
    _event(5, 3.0, "images", "failed", task="Pull", message="no\nregistry"),
    _event(6, 3.0, "images", "failed", duration_seconds=2.0, message="no registry"),
]


class Story:
    """A run that gets on by one event with each question for its events."""

    def __init__(self, server: Server, *, ends: str, number: int = 7) -> None:
        self.shown = 0
        self.ends = ends
        self.run = {
            "id": number,
            "uuid": UUID,
            "hostname": "edge-0",
            "kind": "unlock",
            "state": "queued",
            "changed": None,
            "error": None,
            "queued_at": QUEUED,
            "ended_at": None,
        }
        server.on("GET", f"/v1/runs/{UUID}/events", self.events)
        server.on("GET", "/v1/runs/edge-0", lambda asked: (200, dict(self.run)))

    def events(self, asked: Asked) -> Answer:
        after = int(asked.query["after"])
        if self.shown < len(EVENTS):
            self.shown += 1
            self.run["state"] = "running"
        if self.shown == len(EVENTS):
            self.run |= {"state": self.ends, "ended_at": EVENTS[-1]["at"], "changed": 5}
            if self.ends == "failed":
                self.run["error"] = "images: no registry"
        news = [event for event in EVENTS[: self.shown] if event["id"] > after]
        return 200, {"run": dict(self.run), "events": news}


@pytest.fixture(autouse=True)
def _no_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "_CALM_SECONDS", 0.0)


class Screen(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def _client(server: Server) -> Client:
    return Client(Endpoint(url=server.url, token="t", token_from="here"))


def test_into_a_pipe_each_step_is_one_line(hummingbird: Run, server: Server) -> None:
    Story(server, ends="failed")
    done = hummingbird("run-show", "edge-0", "--follow")
    assert done.status == 1
    assert [re.sub(r" +", " ", line).strip() for line in done.out.splitlines()] == [
        "unlock of edge-0 is run 7",
        "1.0 s connect done 0.5 s",
        "3.0 s images task 'Pull': no registry",
        "3.0 s images failed 2.0 s no registry",
        "unlock of edge-0 failed after 3.0 s, 5 changed: images: no registry",
    ]


def test_a_run_that_succeeded_is_success(server: Server) -> None:
    story = Story(server, ends="succeeded")
    out = io.StringIO()
    status = follow([story.run], new_client=lambda: _client(server), out=Terminal(out))
    assert status == 0
    assert "unlock of edge-0 succeeded after 3.0 s, 5 changed" in out.getvalue()


def test_on_a_terminal_the_running_step_is_drawn_and_erased(server: Server) -> None:
    story = Story(server, ends="succeeded")
    screen = Screen()
    follow([story.run], new_client=lambda: _client(server), out=Terminal(screen))
    text = screen.getvalue()
    assert "\033[1F\033[J" in text
    last = text.rpartition("\033[J")[2]
    assert last == "unlock of edge-0 succeeded after 3.0 s, 5 changed\n"


def test_a_server_that_is_away_for_a_moment_is_asked_again(server: Server) -> None:
    story = Story(server, ends="succeeded")
    dead = _client(server)
    dead.endpoint = Endpoint(url="http://127.0.0.1:9", token="t", token_from="here")
    asked = 0

    def flaky() -> Client:
        client = _client(server)
        real = client.get

        def get(where: str, **query: Any) -> Any:
            nonlocal asked
            asked += 1
            return dead.get(where) if asked == 2 else real(where, **query)

        client.get = get  # type: ignore[method-assign]
        return client

    out = io.StringIO()
    assert follow([story.run], new_client=flaky, out=Terminal(out)) == 0
    assert out.getvalue().count("connect") == 1


def test_a_run_that_vanished_ends_the_watch(server: Server) -> None:
    story = Story(server, ends="succeeded")
    gone = {"error_message": "It is gone."}
    server.on("GET", f"/v1/runs/{UUID}/events", gone, status=404)
    out = io.StringIO()
    assert (
        follow([story.run], new_client=lambda: _client(server), out=Terminal(out)) == 1
    )
    assert "unlock of edge-0: It is gone." in out.getvalue()


def test_an_interrupt_ends_only_the_watch(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(server, ends="succeeded")

    def interrupted(self: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow_module.Watch, "until_all_ended", interrupted)
    out = io.StringIO()
    status = follow([story.run], new_client=lambda: _client(server), out=Terminal(out))
    assert status == INTERRUPTED
    assert "the work goes on: hummingbird run-show 7 --follow" in out.getvalue()


@pytest.fixture
def two(server: Server) -> Iterator[list[dict[str, Any]]]:
    story = Story(server, ends="succeeded")
    other = dict(story.run) | {"id": 8, "hostname": "kiosk-11"}
    yield [story.run, other]


def test_lines_of_several_hosts_begin_with_the_host(
    server: Server, two: list[dict[str, Any]]
) -> None:
    out = io.StringIO()
    assert follow(two, new_client=lambda: _client(server), out=Terminal(out)) == 0
    lines = out.getvalue().splitlines()
    assert any(line.startswith("edge-0      ") for line in lines)
    assert any(line.startswith("kiosk-11    ") for line in lines)
