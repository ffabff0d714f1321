# SPDX-License-Identifier: Apache-2.0
"""A deployment with one host, on SQLite: minutes go by in these tests, and what differs
between databases is tested with the repositories and the conductor. What hangs on
transactions between controllers has a deployment of two, on each kind of database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.conductor.neighbours import Patience
from hummingbird.db.session import Database
from tests.fakes.world import PATIENCE, World


@pytest.fixture
def patience() -> Patience:
    """How long runs wait for what."""
    return PATIENCE


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path, patience: Patience) -> Iterator[World]:
    """A world with one host, added and not unlocked."""
    path = tmp_path / "world.sqlite"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    world = World(database, patience=patience)
    world.add("edge-0", "192.168.204.101")
    yield world
    world.end()
    database.dispose()


@pytest.fixture
def two(database: Database, patience: Patience) -> Iterator[World]:
    """A world with two controllers and one host in service, which talks to the first."""
    world = World(database, patience=patience, controllers=2)
    world.add("edge-0", "192.168.204.101")
    world.unlock("edge-0")
    world.settle()
    world.live(2)
    yield world
    world.end()
