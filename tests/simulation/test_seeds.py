# SPDX-License-Identifier: Apache-2.0
"""Whole systems under virtual time keep their promises; and a fault of old is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (7,)
"""Short ones: with the faults below, less than two minutes of one core."""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the simulation in a process of its own: it replaces threads and sockets."""
    return subprocess.run(
        [sys.executable, "bench/simulation.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=3600,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_breaks_no_rule(seed: int) -> None:
    done = bench("--seeds", "1", "--first", str(seed))
    assert done.returncode == 0, done.stderr
    assert '"seeds": 1, "violations": 0' in done.stdout


@pytest.mark.parametrize("name", ["twice", "unready"])
def test_a_fault_of_old_is_found(name: str) -> None:
    done = bench("--mutants", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"missed": []' in done.stdout
