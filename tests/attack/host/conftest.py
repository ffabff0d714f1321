# SPDX-License-Identifier: Apache-2.0
"""What the attacks share: one hostile host for each file of tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.host.world import World
from tests.fakes.hostile_host import HostileHost


@pytest.fixture(scope="module")
def hostile_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileHost]:
    """A host in an attacker's hands, which answers."""
    host = HostileHost(tmp_path_factory.mktemp("host"))
    host.start()
    yield host
    host.stop()


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Ansible's modules stay between runs, as in a state directory."""
    return tmp_path_factory.mktemp("packed")


@pytest.fixture
def world(tmp_path: Path, hostile_host: HostileHost, packed: Path) -> Iterator[World]:
    """A controller with secrets; nothing of it may have leaked at the end."""
    hostile_host.be_honest()
    made = World(folder=tmp_path, host=hostile_host, packed=packed)
    yield made
    assert list(made.leaks()) == []
