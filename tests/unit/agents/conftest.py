# SPDX-License-Identifier: Apache-2.0
"""A host to read, made of files."""

from pathlib import Path

import pytest

from tests.fakes.host_tree import HostTree


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    """A host that shows nothing yet."""
    return HostTree(tmp_path)
