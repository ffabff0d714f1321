# SPDX-License-Identifier: Apache-2.0
"""Labs for the tests: one with everything for the product's, one of hosts alone.

Each lives in a folder of its own below `/var/tmp` (`/tmp` may be a tmpfs, which is
small), and ends with the test process, however that ends.  HUMMINGBIRD_LAB_KEEP=1
keeps the folder for its logs.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="hummingbird-lab-", dir="/var/tmp"))


@pytest.fixture
def lab_folder() -> Iterator[Path]:
    """A folder for a lab that the test itself starts and ends."""
    folder = _folder()
    yield folder
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of the product's tests: two hosts, Kubernetes, the agents' images."""
    with Lab.up(
        _folder(),
        hosts=("edge-0", "edge-1"),
        kubernetes=True,
        images=True,
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
def hosts_lab() -> Iterator[Lab]:
    """A lab of all three hosts and nothing else, for tests that break things."""
    with Lab.up(_folder(), kubernetes=False) as lab:
        yield lab
