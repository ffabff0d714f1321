# SPDX-License-Identifier: Apache-2.0
"""What the threat model promises is held by tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "doc" / "threat-model.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())))


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    )


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in names_in(path)


def test_every_promise_names_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.endswith("| held by |")]
    assert len(promises) > 15
    for row in promises:
        assert re.search(r"`tests/[\w/]+\.py::\w+`", row), row


def test_each_attacker_has_a_chapter() -> None:
    chapters = re.findall(r"^## (.*)$", PAGE.read_text(), re.M)
    assert len(chapters) == 6
