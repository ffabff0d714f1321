# SPDX-License-Identifier: Apache-2.0
"""What a real API server and a real helm keep, tested in the lab's own network."""

import re
import sys
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab

ROOT = Path(__file__).parents[2]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("file", "selection", "at_least"),
    [
        ("tests/contract/test_cluster.py", "real", 19),
        ("tests/lab/inside_helm_release.py", "", 4),
    ],
)
def test_in_the_lab(lab: Lab, file: str, selection: str, at_least: int) -> None:
    done = lab.exec(
        "controller",
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(file, "-k", selection),
        ],
        env={
            "HUMMINGBIRD_TEST_KUBECONFIG": str(lab.kubeconfig),
            "HUMMINGBIRD_TEST_HELM": str(lab.binaries / "helm"),
        },
        folder=ROOT,
        check=False,
        timeout_s=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= at_least, done.stdout
