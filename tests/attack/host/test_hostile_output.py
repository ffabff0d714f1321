# SPDX-License-Identifier: Apache-2.0
"""However much a host says, and whatever form it has, a run ends soon, small, and by itself."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.ansible import bound
from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.errors import RunFailed
from tests.attack.host.world import World
from tests.fakes.hostile_host import Answer

DRIVER = Path(__file__).parents[2] / "lab" / "playbook_driver.py"
TRACE = {"trace_targets": [{"host": "192.0.2.1", "port": 1}]}
MEGABYTE = 1024 * 1024

pytestmark = pytest.mark.timeout(300)


def trace(world: World, **answer: Any) -> PlaybookResult:
    """Have the one module of the shortest playbook answer this."""
    world.host.modules["path_look"] = answer
    return world.run("trace", variables=TRACE, timeout_seconds=120)


def measured(world: World, answer: Answer) -> dict[str, Any]:
    """Run that playbook in a process of its own; return its result and what it took."""
    world.host.modules["path_look"] = answer
    world.host.ready()
    request = {
        "playbooks": str(world.playbooks),
        "scratch": str(world.state / "runs"),
        "playbook": "trace",
        "hostname": "edge-0",
        "variables": TRACE,
        "access": asdict(world.host.access),
        "timeout_seconds": 120.0,
    }
    done = subprocess.run(
        [sys.executable, str(DRIVER)],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
        cwd=DRIVER.parents[2],
        env={"PYTHONPATH": str(DRIVER.parents[2]), "PATH": "/usr/bin:/bin"},
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["result"]
    return result


@pytest.mark.parametrize("descriptor", [1, 2], ids=["output", "errors"])
def test_a_flood_ends_at_its_bound_and_costs_no_memory(
    world: World, descriptor: int
) -> None:
    calm = measured(world, {"json": {"reached": [True]}})
    flood = {"flood": 150 * MEGABYTE, "with": "x" * 65_536, "to": descriptor}
    result = measured(world, flood)
    assert result["status"] == "failed"
    assert result["error"] == RunFailed.code
    assert f"more than {bound.COMMAND_BYTES} bytes" in result["message"]
    for whose in ("self", "children"):
        name = f"peak_kib_{whose}"
        assert result[name] < calm[name] + 40 * 1024, (calm, result)


def test_the_most_parts_that_are_taken_in_cost_little(world: World) -> None:
    calm = measured(world, {"json": {"reached": [True]}})
    parts = "[],{}," * (bound.PARTS // 4 - 10)
    most = measured(world, {"text": f'{{"reached": [true], "more": [{parts}1]}}'})
    assert most["status"] == "successful"
    for whose in ("self", "children"):
        name = f"peak_kib_{whose}"
        assert most[name] < calm[name] + 60 * 1024, (calm, most)


def test_an_answer_of_more_parts_is_refused(world: World) -> None:
    result = trace(world, text='{"reached": [' + "1," * bound.PARTS + "1]}")
    assert isinstance(result.error, RunFailed)
    assert f"more than {bound.PARTS} parts" in str(result.message)


def test_what_a_whole_run_takes_in_is_bounded(world: World) -> None:
    filler = "x" * (bound.COMMAND_BYTES * 9 // 10)
    for module in ("host_baseline", "tracked_files", "command", "apt", "tunnel_host"):
        world.host.say(module, filler=filler)
    result = world.run("provision", tags=("node_config", "tunnel"))
    assert isinstance(result.error, RunFailed)
    assert f"more than {bound.RUN_BYTES} bytes in this run" in str(result.message)


@pytest.mark.parametrize("depth", [bound.DEPTH + 1, 200_000])
def test_an_answer_that_is_nested_too_deep_is_refused(world: World, depth: int) -> None:
    text = '{"reached": ' + "[" * depth + "]" * depth + "}"
    result = trace(world, text=text)
    assert isinstance(result.error, RunFailed)
    assert "nested deeper" in str(result.message)


def test_output_without_end_ends_with_the_time_of_the_run(world: World) -> None:
    world.host.modules["path_look"] = {"drip": "x"}
    began = time.monotonic()
    result = world.run("trace", variables=TRACE, timeout_seconds=8)
    assert result.status == "timeout"
    assert isinstance(result.error, RunFailed)
    assert time.monotonic() - began < 120


INVALID: dict[str, Answer] = {
    "nothing": {},
    "no JSON": {"text": "reached: all"},
    "half of it": {"text": '{"reached": [true'},
    "a list": {"text": "[1, 2]"},
    "a number": {"text": "1e999"},
    "results that are none": {"json": {"failed": True, "results": 5, "msg": ["x"]}},
    "half a character": {"text": '{"failed": true, "msg": "\\ud800"}'},
    "no characters": {"text": "\xff\xfe{\x80"},
    "a failure of any type": {"json": {"failed": {"a": 1}, "msg": {"b": 2}, "rc": "x"}},
    "an exit status alone": {"status": 255},
    "facts that are none": {"json": {"ansible_facts": 7, "reached": 1}},
}


def test_an_answer_of_no_form_fails_its_task_and_no_other(world: World) -> None:
    tasks = "".join(
        f"    - {{name: {name}, path_look: {{targets: []}}, ignore_errors: true,"
        " ignore_unreachable: true}\n"
        for name in INVALID
    )
    (world.playbooks / "invalid.yml").write_text(
        f"- name: play\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
    )
    world.host.modules["path_look"] = list(INVALID.values())
    result = world.run("invalid", variables={})
    assert result.status == "successful", result
    ended = {event.task: event for event in world.events if event.status != "started"}
    assert list(ended) == list(INVALID)
    assert {event.status for event in ended.values()} <= {"ok", "unreachable"}


@pytest.mark.parametrize(
    "name", ["no JSON", "results that are none", "a failure of any type"]
)
def test_a_run_that_fails_by_such_an_answer_says_why(world: World, name: str) -> None:
    result = trace(world, **INVALID[name])
    assert isinstance(result.error, RunFailed)
    assert result.message


@contextmanager
def _talker(text: bytes) -> Iterator[int]:
    """Yield the port of one who takes connections and says `text` again and again."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=pour, args=(peer,), daemon=True).start()

        def pour(peer: socket.socket) -> None:
            with peer:
                try:
                    while text:
                        peer.sendall(text)
                        time.sleep(0.01)
                    peer.recv(4096)
                    time.sleep(60)
                except OSError:
                    return

        threading.Thread(target=talk, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "text", [b"", b"a line before SSH\r\n" * 50], ids=["silent", "talks"]
)
def test_who_never_speaks_ssh_holds_a_run_no_longer_than_its_time(
    world: World, text: bytes
) -> None:
    with _talker(text) as port:
        world.host.modules = {}
        access = replace(world.host.access, port=port)
        result = world.run("trace", variables=TRACE, timeout_seconds=10, access=access)
    assert result.error is not None
    assert result.status in ("timeout", "unreachable"), result
