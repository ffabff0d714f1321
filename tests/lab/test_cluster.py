# SPDX-License-Identifier: Apache-2.0
"""The contract of a cluster, kept by a real API server."""

import re
import sys
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab

ROOT = Path(__file__).parents[2]


@pytest.mark.lab
def test_a_real_cluster_keeps_the_contract(lab: Lab) -> None:
    done = lab.exec(
        "controller",
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/contract/test_cluster.py",
            "-k",
            "real",
        ],
        env={"HUMMINGBIRD_TEST_KUBECONFIG": str(lab.kubeconfig)},
        folder=ROOT,
        check=False,
        timeout_s=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 15, done.stdout
