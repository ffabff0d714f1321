# SPDX-License-Identifier: Apache-2.0
"""One poisoned host through every command of the command line, in every format, while it is
watched, and in refusals: a terminal gets nothing from it but characters.

Commands are found by their entry points and run by their own examples, so that a new one is
here by itself; answers are made from the OpenAPI document, so that a new field is too.
"""

import io
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from webob.exc import HTTPException

from hummingbird.api.contract.operation_table import OPERATIONS
from hummingbird.api.http.router import Router
from hummingbird.cli.follow import Watch
from hummingbird.cli.reconciler import ReconcilerList
from hummingbird.cli.terminal import Terminal
from hummingbird.domain.run import RunKind
from tests.attack.poison import (
    POISON,
    UUID,
    poisoned,
    see_clean,
    see_no_forged_row,
    texts,
)
from tests.conformance import DOCUMENT
from tests.unit.cli.conftest import Asked, Run, Server
from tests.unit.cli.conftest import hummingbird as hummingbird
from tests.unit.cli.conftest import server as server

NAMES = {"eth0"}
"""Of things that are looked for among the answers; no poison has this name."""
SERVERS = {
    "db-sync",
    "deployment-export",
    "deployment-import",
    "deployment-rotate",
    "up",
}
"""Commands that are no clients: they work on a controller's own state, and show no word of
a host."""
DOCUMENTS = {"host-bootstrap", "host-bulk-add", "host-bulk-export"}
"""What they print has lines of its own."""
COMMANDS = sorted(
    (point for point in entry_points(group="hummingbird.cli")),
    key=lambda point: point.name,
)
FORMATS = {
    "list": ("csv", "value", "json", "yaml"),
    "show": ("shell", "value", "json", "yaml"),
    "act": (),
}


def _named(path: str) -> Callable[[Any], str]:
    return lambda _call: path


ROUTER = Router((method, path, _named(path)) for method, path in OPERATIONS)


class Poisoned:
    """Answers every request of every route with poison, and lets each run end."""

    def __init__(self) -> None:
        self.runs = 0
        self.told = 0

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Return status and body."""
        try:
            handler, _ = ROUTER.find(asked.method, asked.path)
        except HTTPException:
            return 404, {"error_message": POISON}
        route = handler(None)  # type: ignore[arg-type]
        status, content = _success(asked.method, route)
        if route == "/v1/reconcilers":
            report = dict.fromkeys(ReconcilerList.columns, POISON)
            return 200, {"reconcilers": [report | {"failed": [POISON, POISON]}]}
        if route == "/v1/runs":
            return 200, {"runs": self._runs(content["runs"][0])}
        if route == "/v1/runs/{run}/events":
            content["run"] |= {"state": "failed", "error": POISON}
            content["events"] = self._events(content["events"][0])
        if route == "/v1/runs/{run}":
            content |= {"state": "failed", "error": POISON}
        return status, content

    def _runs(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        self.runs += 1
        return [{**run, "id": self.runs, "kind": kind.value} for kind in RunKind]

    def _events(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        self.told += 1
        if self.told > 1:
            return []
        states = ("running", "info", "failed", "done")
        return [
            {**event, "id": number, "state": state, "task": task, "step": POISON}
            for number, (state, task) in enumerate(
                [*((one, POISON) for one in states), *((one, None) for one in states)],
                start=1,
            )
        ]


def _success(method: str, route: str) -> tuple[int, Any]:
    answers = DOCUMENT["paths"][route][method.lower()]["responses"]
    status = min(answer for answer in answers if answer.startswith("2"))
    content = answers[status].get("content")
    if content is None:
        return int(status), None
    return int(status), poisoned(next(iter(content.values()))["schema"])


def _kind(command: type) -> str:
    names = {base.__name__ for base in command.__mro__}
    return "list" if "Lister" in names else "show" if "ShowOne" in names else "act"


def _calls(point: Any) -> Iterator[list[str]]:
    """Yield the words of a command's examples, and of the first in each of its formats."""
    command = point.load()
    for number, example in enumerate(command.examples):
        words = shlex.split(example.split("hummingbird ", 1)[1])
        words = words[: next((i for i, w in enumerate(words) if w in "<>"), None)]
        words = [UUID if word in NAMES else word for word in words]
        yield words
        if number == 0:
            for one in FORMATS[_kind(command)]:
                yield [*words, "-f", one]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a command may find the files that its examples name."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_text("key")
    (tmp_path / "hosts.xml").write_text("<hosts/>")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_a_terminal_shows_what_a_host_says_and_does_not_obey(
    point: Any,
    hummingbird: Run,
    server: Server,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if point.name in SERVERS:
        assert not server.asked
        return
    monkeypatch.setenv("HOME", str(place))
    heard = False
    for words in _calls(point):
        poisoned_server = Poisoned()
        monkeypatch.setattr(server, "reply", poisoned_server.answer)
        monkeypatch.setattr("sys.stdin", io.StringIO("secret\nsecret\n"))
        done = hummingbird(*words)
        see_clean(done.out)
        see_clean(done.err)
        see_no_forged_row(done.err if point.name not in DOCUMENTS else "")
        heard = heard or "owned" in done.out + done.err
        if done.status != 0 or point.name in DOCUMENTS:
            continue
        match words[-1] if "--follow" not in words else None:
            case "json":
                see_all_of_it(json.loads(done.out))
            case "yaml":
                see_all_of_it(yaml.safe_load(done.out))
            case "shell":
                subprocess.run(["sh", "-c", done.out], check=True, cwd=place)
                assert not (place / "owned").exists()
            case _:
                see_no_forged_row(done.out)
    assert heard or _says_nothing_of_hosts(point), "its answers hold no poison"


def see_all_of_it(content: Any) -> None:
    """See that what a host said is in this as it said it."""
    for text in texts(content):
        assert POISON in text or "owned" not in text


def _says_nothing_of_hosts(point: Any) -> bool:
    """Whether a command prints what its user typed, or a document that has no terminal to
    go to, and nothing else."""
    return point.name in {
        "address-delete",
        "addrpool-delete",
        "credential-delete",
        "emn-delete",
        "event-suppress",
        "event-unsuppress",
        "host-addr-delete",
        "host-label-remove",
        "openrc",
        "service-delete",
        "tunnel-revoke",
    }


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
@pytest.mark.parametrize("status", [400, 401])
def test_a_refusal_is_one_line_that_a_terminal_shows(
    point: Any,
    status: int,
    hummingbird: Run,
    server: Server,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if point.name in SERVERS | {"openrc"}:
        assert not server.asked
        return
    monkeypatch.setenv("HOME", str(place))
    inner = json.dumps({"faultstring": POISON, "code": "hummingbird.bad_request"})
    for body in (inner, POISON):
        answer = (status, {"error_message": body})
        monkeypatch.setattr(server, "reply", lambda _, answer=answer: answer)
        monkeypatch.setattr("sys.stdin", io.StringIO("secret\nsecret\n"))
        words = next(_calls(point))
        done = hummingbird(*words)
        see_clean(done.out + done.err)
        see_no_forged_row(done.out + done.err)
        if "--undo" not in words:
            assert done.status == 1
            assert done.err.count("\n") == 1


class Screen(io.StringIO):
    """One on which lines are drawn in place."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_what_is_drawn_in_place_is_shown_and_not_obeyed() -> None:
    _, run = _success("GET", "/v1/runs/{run}")
    run = {**run, "hostname": POISON, "state": "running"}
    screen = Screen()
    watch = Watch(Terminal(screen), [run])
    one = watch._all[0]
    one.step, one.task = POISON, POISON
    watch._redraw()
    watch.leave(f"It goes on: {POISON}")
    drawn = screen.getvalue()
    assert "\033[1F\033[J" in drawn
    see_clean(drawn.replace("\033[1F\033[J", ""))
