# SPDX-License-Identifier: Apache-2.0
"""What all tests share: real databases of both kinds.

`database` runs a test once on SQLite and once on PostgreSQL, each time on a database
without rows, its schema made by the migrations. `empty_database` has no schema yet.

Where several processes share the tests (`-n`), a file stays in one of them, and the lab's
files are handed out first: each takes minutes, most of them spent waiting for a host.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from hummingbird.db import migration
from hummingbird.db.session import Database
from tests import lock_watch
from tests.postgresql_server import MIGRATED, PostgresqlServer

# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
lock_watch.watch()

KINDS = ("sqlite", "postgresql")

LONGEST_FIRST = (
    "test_networks",
    "test_tunnel",
    "test_agents",
    "test_conductor_death",
    "test_recovery",
    "test_lab",
    "test_provision",
    "test_provision_beside",
)
"""The lab's files in the order in which four processes are to get them, so that all have
enough and none is left for the end alone. A process is given its next file when two tests
are left of the one it has: whoever has a file of one test is given another at once."""


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server, started when the first test wants it."""
    server = PostgresqlServer()
    try:
        server.make_migrated()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the head of the migrations, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    database = Database(f"sqlite:///{path}")
    migration.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the long files first where several processes share the tests."""
    if hasattr(config, "workerinput"):
        lab = Path(__file__).parent / "lab"
        items.sort(
            key=lambda item: (
                lab not in item.path.parents,
                LONGEST_FIRST.index(item.path.stem)
                if item.path.stem in LONGEST_FIRST
                else len(LONGEST_FIRST),
            )
        )


def _databases(
    request: pytest.FixtureRequest, tmp_path: Path, *, migrated: bool
) -> Iterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite"
        if migrated:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.dispose()
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    if migrated:
        server.empty()
        name = MIGRATED
    else:
        name = server.create()
    database = Database(server.url(name))
    yield database
    database.dispose()
    if not migrated:
        server.drop(name)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database at the head of the migrations, without rows."""
    yield from _databases(request, tmp_path, migrated=True)


@pytest.fixture(params=KINDS)
def empty_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Database]:
    """A new database without a schema."""
    yield from _databases(request, tmp_path, migrated=False)
