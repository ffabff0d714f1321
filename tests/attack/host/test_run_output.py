# SPDX-License-Identifier: Apache-2.0
"""What a run prints and tells is a stranger's word: it neither stops nor fills the conductor."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.ansible import channel, event, process

pytestmark = pytest.mark.timeout(300)


def run(
    script: str, *, is_to_end: Callable[[], bool] = lambda: False
) -> tuple[str, str, list[Mapping[str, Any]]]:
    """Run a Python script in the place of a run's program."""
    events: list[Mapping[str, Any]] = []
    begin = f"import os, sys\nevents = int(os.environ['{channel.VARIABLE}'])\n"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(begin + script)
        status, said = process.run(
            [sys.executable, str(program)],
            directory=Path(folder),
            environment={},
            guard_lock=Path(folder) / "guard.lock",
            on_event=events.append,
            is_to_end=is_to_end,
        )
    return status, said, events


def test_what_is_no_event_is_passed_over() -> None:
    lines = [
        *("no JSON", "[1]", '"x"', "7", "null", "[" * 100_000, '{"a": ' * 100_000),
        *("\ud800", "1" * 10_000, json.dumps({"event": "x"})),
    ]
    text = "\n".join(lines).encode(errors="surrogatepass") + b"\n"
    status, _, events = run(
        f"data = {text!r}\nwhile data: data = data[os.write(events, data):]\n"
    )
    assert status == "successful"
    assert events == [{"event": "x"}]


def test_an_event_without_end_ends_the_run() -> None:
    status, _, events = run("while True: os.write(events, b'x' * 65536)\n")
    assert (status, events) == ("failed", [])


def test_of_what_is_printed_the_end_is_kept() -> None:
    status, said, _ = run(
        "for _ in range(500): os.write(1, b'x' * 65536)\n"
        "os.write(2, b'the end \\xff'); sys.exit(3)\n"
    )
    assert status == "failed"
    assert said.endswith("the end �")
    assert len(said) < 20_000


def test_who_prints_for_ever_is_ended() -> None:
    asked: list[None] = []

    def is_to_end() -> bool:
        asked.append(None)
        return len(asked) > 2

    status, _, _ = run("while True: os.write(1, b'x' * 65536)\n", is_to_end=is_to_end)
    assert status == "canceled"


@pytest.mark.parametrize(
    "data",
    [
        {"task_action": ["debug"], "res": {"msg": 1}},
        {"duration": 10**400},
        {"duration": float("nan")},
        {"duration": True, "res": [1]},
        {"role": {"x": 1}, "task": ["\x1b[2J" + "x" * 10_000]},
    ],
)
def test_an_event_of_any_shape_is_bounded_and_clean(data: dict[str, Any]) -> None:
    seen = event.translate({"event": "runner_on_ok", "event_data": data})
    assert seen is not None
    assert seen.duration_seconds in (None, 1.0)
    assert len(seen.task) <= 500
    assert "\x1b" not in seen.task


@pytest.mark.parametrize("value", [[1], "x", 7, {"a": "b"}, {"a": [1]}, None])
def test_a_summary_of_any_shape_is_taken(value: object) -> None:
    data = {"changed": value, "artifact_data": value}
    summary = {"event": "playbook_on_stats", "event_data": data}
    assert event.total(summary, "changed") == 0
    assert event.told(summary) == ({"a": "b"} if value == {"a": "b"} else {})
