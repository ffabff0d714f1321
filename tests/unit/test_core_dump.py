# SPDX-License-Identifier: Apache-2.0
"""A process of ours leaves no file with its memory, nor does what it starts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import ctypes, resource, subprocess, sys
from hummingbird import core_dump
core_dump.forbid()
print(ctypes.CDLL(None).prctl(3), *resource.getrlimit(resource.RLIMIT_CORE), flush=True)
subprocess.run(["sh", "-c", "ulimit -c"])
"""
"""prctl's 3 is PR_GET_DUMPABLE."""


def test_a_process_leaves_no_core_dump_and_no_child_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "0", "0", "0"], done


@pytest.mark.parametrize("name", ["api", "conductor", "gateway", "up"])
def test_every_process_begins_with_that(name: str) -> None:
    text = (ROOT / "hummingbird" / "cmd" / f"{name}.py").read_text()
    body = text.partition("def main(")[2].partition('"""\n')[2]
    assert body.strip().startswith("core_dump.forbid()")
