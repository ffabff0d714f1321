# SPDX-License-Identifier: Apache-2.0
"""What the documents name is there."""

import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("doc/**/*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_exist(page: Path) -> None:
    commands = {point.name for point in entry_points(group="hummingbird.cli")}
    commands |= {"complete", "help", "COMMAND", "up"}
    text = page.read_text()
    for word in re.findall(r"(?:^|[`\s])hummingbird ([a-z]+(?:-[a-z]+)+)\b", text):
        assert word in commands
    for word in re.findall(r"`make ([a-z-]+)", text):
        assert word in TARGETS


def test_the_list_of_targets_says_what_each_is_for() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("demo", "test", "up", "lint", "bench", "images", "lab-up", "lab-down"):
        assert re.search(rf"^{name} +\S+", listed, re.M), name


def test_a_bench_prints_what_its_docstring_promises() -> None:
    text = (ROOT / "bench" / "host_life.py").read_text()
    promised = set(re.findall(r"^(\w+_s|\w+_changed|residue) +\S", text, re.M))
    for name in promised:
        noted = name.replace("_first_", "_{which}_").replace("_second_", "_{which}_")
        assert f'"{name}"' in text or f'"{noted}"' in text, name
    assert len(promised) == 11


def test_a_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "doc" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for number, page in zip(numbers, pages, strict=True):
        assert page.read_text().startswith(f"# {number}. "), page.name
