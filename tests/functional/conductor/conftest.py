# SPDX-License-Identifier: Apache-2.0
"""A deployment on each kind of database, for what depends on transactions."""

from collections.abc import Iterator

import pytest

from hummingbird.db.session import Database
from tests.fakes.world import World

ADDRESS = "192.168.204.101"


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """A world with one host, added and not unlocked."""
    world = World(database)
    world.add("edge-0", ADDRESS)
    yield world
    if world.crew is not None:
        world.crew.stop()
