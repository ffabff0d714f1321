# SPDX-License-Identifier: Apache-2.0
"""A deployment with one host: on SQLite, and, for what hangs on transactions between
conductors, on each kind of database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.db.session import Database
from tests.fakes.world import World

ADDRESS = "192.168.204.101"


def _with_a_host(database: Database) -> Iterator[World]:
    world = World(database)
    world.add("edge-0", ADDRESS)
    yield world
    world.end()


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[World]:
    """A world with one host, added and not unlocked."""
    path = tmp_path / "world.sqlite"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield from _with_a_host(database)
    database.dispose()


@pytest.fixture
def world_on_each(database: Database) -> Iterator[World]:
    """The same, once on each kind of database."""
    yield from _with_a_host(database)
