# SPDX-License-Identifier: Apache-2.0
"""Draws doc/states.md from the host's state machine: `draw_states.py > doc/states.md`.

A test compares the file with what this prints.
"""

import ast
import inspect
import sys

from hummingbird.domain import host_machine, host_state
from hummingbird.domain.host_machine import TABLE, Event
from hummingbird.domain.host_state import BUSY, UNLOCKED, WATCHED, HostState

HEAD = """\
<!-- Made by tools/draw_states.py from hummingbird/domain/host_machine.py; don't edit. -->
# The states of a host

One table decides where a host goes (`hummingbird/domain/host_machine.py`); this page is
drawn from it. What StarlingX's clients see (administrative, operational, availability,
task) is a view of these states (`hummingbird/domain/host.py`).
"""


def sentences(module: object, name: str) -> dict[str, str]:
    """Return member -> the sentence that follows it in the source of an enum."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    said: dict[str, str] = {}
    last = ""
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            last = node.targets[0].id
        elif (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last
        ):
            said[last] = " ".join(str(node.value.value).split())
            last = ""
    return said


def draw() -> str:
    """Return the page."""
    lines = [HEAD, "```mermaid", "stateDiagram-v2"]
    lines += [
        f"    state {_name(s)!r} as {s.name}".replace("'", '"') for s in HostState
    ]
    lines.append(f"    [*] --> {HostState.ADDED.name}")
    arrows: dict[tuple[HostState, HostState], list[str]] = {}
    for row in TABLE:
        arrows.setdefault((row.state, row.next), []).append(row.event.value)
    lines += [
        f"    {state.name} --> {to.name}: {', '.join(events)}"
        for (state, to), events in arrows.items()
    ]
    lines += [f"    {HostState.RETIRING.name} --> [*]", "```", ""]
    lines += _states()
    lines += _events()
    lines += _table()
    return "\n".join(lines) + "\n"


def _name(state: HostState) -> str:
    return state.value


def _states() -> list[str]:
    said = sentences(host_state, "HostState")
    lines = [
        "## States",
        "",
        "| state | what it means | seen as | watched | a run is on |",
        "|---|---|---|---|---|",
    ]
    for state in HostState:
        seen = "unlocked" if state in UNLOCKED else "locked"
        watched = "yes" if state in WATCHED else ""
        busy = "yes" if state in BUSY else ""
        lines.append(
            f"| {state.value} | {said[state.name]} | {seen} | {watched} | {busy} |"
        )
    return [*lines, ""]


def _events() -> list[str]:
    said = sentences(host_machine, "Event")
    lines = ["## Events", "", "| event | what happened |", "|---|---|"]
    lines += [f"| {event.value} | {said[event.name]} |" for event in Event]
    return [*lines, ""]


def _table() -> list[str]:
    lines = [
        "## Table",
        "",
        "What is not in it can't happen: the request is refused, or the look of a",
        "reconciler changes nothing.",
        "",
        "| in state | on event | goes to |",
        "|---|---|---|",
    ]
    lines += [f"| {r.state.value} | {r.event.value} | {r.next.value} |" for r in TABLE]
    return lines


if __name__ == "__main__":
    sys.stdout.write(draw())
