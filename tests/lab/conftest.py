# SPDX-License-Identifier: Apache-2.0
"""Labs for the tests: one with everything for the product's, one of hosts alone.

Each lives in a folder of its own below `/var/tmp` (`/tmp` may be a tmpfs, which is
small), and ends with the test process, however that ends.  HUMMINGBIRD_LAB_KEEP=1
keeps the folder for its logs.
"""

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hummingbird_lab.lab import Lab

from tests.lab.playbook_host import PlaybookHost

HOSTS = ("edge-0", "edge-1", "edge-2")
_SHARED = pytest.StashKey[Lab]()


def new_folder() -> Path:
    """Return a new folder for a lab."""
    return Path(tempfile.mkdtemp(prefix="hummingbird-lab-", dir="/var/tmp"))


@pytest.fixture
def lab_folder() -> Iterator[Path]:
    """A folder for a lab that the test itself starts and ends."""
    folder = new_folder()
    yield folder
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Lab:
    """The lab of the product's tests: three hosts, Kubernetes, the agents' images.

    Files that follow each other share it.
    """
    stash = request.session.stash
    if _SHARED not in stash:
        stash[_SHARED] = Lab.up(new_folder(), hosts=HOSTS, kubernetes=True, images=True)
    return stash[_SHARED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """End the shared lab when tests of other folders follow, not with the session: an
    idle cluster takes a tenth of a core from them."""
    result = yield
    stash = item.session.stash
    if _SHARED in stash and (
        nextitem is None or Path(__file__).parent not in nextitem.path.parents
    ):
        stash[_SHARED].down(keep=bool(os.environ.get("HUMMINGBIRD_LAB_KEEP")))
        del stash[_SHARED]
    return result


@pytest.fixture
def host(lab: Lab) -> Iterator[PlaybookHost]:
    """A host behind the router, given back as it was also by a test that fails."""
    host = PlaybookHost(lab, "edge-1")
    yield host
    host.give_back()


@pytest.fixture(scope="module")
def hosts_lab() -> Iterator[Lab]:
    """A lab of all three hosts and nothing else, for tests that break things."""
    with Lab.up(new_folder(), kubernetes=False) as lab:
        yield lab
