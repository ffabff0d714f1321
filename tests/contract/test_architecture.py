# SPDX-License-Identifier: Apache-2.0
"""The layers, the types and the style of the code, checked as CI checks them."""

import ast
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hummingbird_lab import cache

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PRODUCT = sorted(
    path
    for tree in ("hummingbird", "agents", "playbooks", "lab/hummingbird_lab", "tools")
    for path in (ROOT / tree).rglob("*.py")
)
VAGUE = {"utils", "common", "helpers", "manager", "constants", "misc"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 65
LONGER = {
    "lab/hummingbird_lab/cli.py": "its _parser is a list of commands",
    "playbooks/files/host_snapshot.py": "it is sent to hosts as one file",
    "playbooks/library/tracked_files.py": "main of an Ansible module opens with its spec",
}
"""What may be longer, and why."""

CHECKED = cache.root() / "mypy"
"""What mypy knows by the contents of files: from a cold start it takes half a minute of
CPU, the same in each fresh clone."""

CHECKS = {
    "layers": ["lint-imports", "--no-cache"],
    "types": ["mypy", "--cache-dir", str(CHECKED)],
    "style": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "playbooks": ["yamllint", "--strict", "playbooks"],
}


@pytest.mark.parametrize("argv", CHECKS.values(), ids=CHECKS)
def test_a_checker_finds_nothing(argv: list[str]) -> None:
    # Two clones may be tested at once, and mypy's cache is for one at a time.
    with (cache.root() / "checkers.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [BIN / argv[0], *argv[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node  # type: ignore[misc]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small_and_says_what_it_does(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    if path.name == "__init__.py" and not tree.body:
        return
    assert path.stem not in VAGUE
    if str(path.relative_to(ROOT)) not in LONGER and "versions" not in path.parts:
        assert len(text.splitlines()) <= LONGEST_FILE
        for function in _functions(tree):
            length = (function.end_lineno or 0) - function.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{function.name} has {length} lines"
    assert "# SPDX-License-Identifier: Apache-2.0" in text.splitlines()[:2]
    assert ast.get_docstring(tree), "a file begins with what it keeps true"


@pytest.mark.parametrize(
    "path",
    [path for path in PRODUCT if path.is_relative_to(ROOT / "hummingbird")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_clock_is_read_in_one_place(path: Path) -> None:
    if path == ROOT / "hummingbird" / "clock.py":
        return
    text = path.read_text()
    for call in ("datetime.now(", "datetime.utcnow(", "date.today("):
        assert call not in text


def test_commits_are_made_by_the_db_layer_alone() -> None:
    for path in PRODUCT:
        if not path.is_relative_to(ROOT / "hummingbird" / "db"):
            assert ".commit()" not in path.read_text(), path


ASK_TWICE = {
    "hummingbird/api/controllers/host.py": "the host, and the system's name once a process",
    "hummingbird/db/migration.py": "a lock of the connection's, not a picture",
    "hummingbird/gateway/session.py": "a session that is a moment older does no harm",
}
"""Readers whose statements need not agree, and why."""


def _uses(block: ast.With, name: str) -> int:
    """Return how often a block asks its connection, or hands it on."""
    calls = [node for part in block.body for node in ast.walk(part)]
    return sum(
        isinstance(call, ast.Call)
        and any(
            isinstance(given, ast.Name) and given.id == name
            for given in (
                *call.args,
                *(keyword.value for keyword in call.keywords),
                call.func.value if isinstance(call.func, ast.Attribute) else call.func,
            )
        )
        for call in calls
    )


def _readers(tree: ast.AST) -> Iterator[ast.With]:
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr == "reader"
                    and isinstance(item.optional_vars, ast.Name)
                ):
                    yield node


def test_what_asks_twice_sees_one_moment() -> None:
    """Two statements of a reader may see two states of the database; what is put together
    of them may then be of neither."""
    found = {
        str(path.relative_to(ROOT))
        for path in PRODUCT
        for block in _readers(ast.parse(path.read_text()))
        if _uses(block, "connection") > 1
    }
    assert found == set(ASK_TWICE)
