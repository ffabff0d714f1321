# SPDX-License-Identifier: Apache-2.0
"""A whole deployment on SQLite: stories are long, and what differs between databases is
tested where one thing is."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hummingbird.db.session import Database
from tests.fakes.world import World


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[World]:
    """A world with nothing in it but a management network and a credential."""
    path = tmp_path / "world.sqlite"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    world = World(database)
    yield world
    world.end()
    database.dispose()
