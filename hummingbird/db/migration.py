# SPDX-License-Identifier: Apache-2.0
"""Brings a database to the schema of this version, with alembic.

One process at a time does, also on several machines. At most starts there is nothing to
bring up: then alembic is not even loaded, which with its templates would stay in memory for
the rest of the process's life.

Migrations expand: they add tables, and columns that may be left out. So processes of this
release and of the one before work side by side on the newer schema, in whatever order they
are upgraded, and a process that finds a schema newer than its own goes on. What nobody uses any
more is taken away a release later; such a migration says in FLOOR which revision is the
oldest whose processes don't mind, and older ones then refuse to start.
"""

import ast
import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from hummingbird.clock import Clock, SystemClock
from hummingbird.db.limits import UNLIMITED
from hummingbird.db.model import SCHEMA_FLOOR
from hummingbird.db.session import Connection, Database
from hummingbird.errors import DatabaseBusy, SchemaTooNew, SchemaTooOld

if TYPE_CHECKING:
    from alembic.config import Config

LOG = logging.getLogger(__name__)

WAIT_SECONDS: Final = 600.0
"""For another process that brings the schema up: it may have a year's rows to go through."""

_LOOK_SECONDS: Final = 0.5
_TRIES: Final = 5
"""Each waits for a lock as long as a statement of anybody does."""
_LOCK_KEY: Final = int.from_bytes(b"hmngbird")
"""Of PostgreSQL's advisory lock; the number means nothing."""
_FOLDER: Final = Path(__file__).resolve().parent / "migrations"
_VERSIONS: Final = "alembic_version"
_NO_FLOOR: Final = "0000"


def alembic_config() -> "Config":
    """Return alembic's configuration; the migrations are inside the package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


def head() -> str:
    """Return the revision of this version: the number of the last migration's file."""
    return max(_revision_of(file) for file in _files())


def floor() -> str:
    """Return the oldest revision whose processes work on the schema of this version."""
    return max([_NO_FLOOR, *(found for file in _files() if (found := _floor_of(file)))])


def at(database: Database) -> str | None:
    """Return the revision of a database, or None where it has no schema yet.

    :raises DatabaseUnavailable: it does not answer.
    """
    with database.reader() as connection:
        return _revision(connection)


@contextmanager
def alone(database: Database, *, clock: Clock | None = None) -> Iterator[None]:
    """Let one process at a time bring up a database, its schema and its first rows.

    :raises DatabaseBusy: another one has been at it for WAIT_SECONDS.
    :raises DatabaseUnavailable: it does not answer.
    """
    if database.is_sqlite:
        with _file_lock(database):
            yield
        return
    clock = clock or SystemClock()
    deadline = clock.monotonic() + WAIT_SECONDS
    # The lock is the connection's: it ends with the process, however that ends.
    with database.reader() as connection:
        while not connection.scalar(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}
        ):
            if clock.monotonic() >= deadline:
                raise DatabaseBusy(message="another process brings its schema up")
            LOG.info("Another process brings the database's schema up")
            clock.wait(threading.Event(), seconds=_LOOK_SECONDS)
        try:
            yield
        finally:
            connection.execute(
                text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY}
            )


def upgrade(database: Database, *, revision: str = "head") -> None:
    """Run the migrations up to `revision`; safe to call at every start.

    :raises SchemaTooNew: the schema is of a release beside which this one can't work.
    :raises DatabaseUnavailable: the database does not answer, or is busy.
    """
    found = at(database)
    if revision == "head" and found is not None and found >= head():
        _check_floor(database, found)
        if found == head():
            _note_floor(database)
        return
    with _unhurried(database) as schema:
        _run(schema, revision)
    if revision == "head":
        _note_floor(database)
        LOG.info("The database's schema is at %s, it was at %s", head(), found)


def check(database: Database) -> None:
    """Return if this version can work on the schema that there is.

    :raises SchemaTooOld: the schema has to be brought up first.
    :raises SchemaTooNew: it is of a release beside which this one can't work.
    """
    found = at(database)
    if found is None or found < head():
        raise SchemaTooOld(found=found or "none", wanted=head())
    _check_floor(database, found)


def _run(schema: Database, revision: str) -> None:
    from alembic import command

    for left in reversed(range(_TRIES)):
        try:
            with schema.bare() as connection:
                config = alembic_config()
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
                return
        except DatabaseBusy as error:
            # A table is locked by processes at work: on PostgreSQL nothing was changed.
            if not left:
                raise
            LOG.info("The schema is brought up again: %s", error)


@contextmanager
def _unhurried(database: Database) -> Iterator[Database]:
    """Yield the database without limits for statements: they may rewrite tables."""
    if database.is_sqlite:
        yield database
        return
    found = Database(database.engine.url, limits=UNLIMITED, pool_size=1)
    try:
        yield found
    finally:
        found.dispose()


@contextmanager
def _file_lock(database: Database) -> Iterator[None]:
    path = database.engine.url.database
    if not path or path == ":memory:":
        yield
        return
    with Path(path).with_name("schema.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _check_floor(database: Database, found: str) -> None:
    if found == head():
        return
    with database.reader() as connection:
        lowest = connection.execute(SCHEMA_FLOOR.select()).scalars().first()
    if lowest is not None and lowest > head():
        raise SchemaTooNew(found=found, floor=lowest, wanted=head())
    LOG.warning("The database's schema, %s, is newer than this process's", found)


def _note_floor(database: Database) -> None:
    """Have it in the database, also where whoever brought the schema up ended before."""
    with database.reader() as connection:
        noted = connection.execute(SCHEMA_FLOOR.select()).scalars().all()
    if noted == [floor()]:
        return
    with database.writer() as connection:
        connection.execute(SCHEMA_FLOOR.delete())
        connection.execute(SCHEMA_FLOOR.insert().values(revision=floor()))


def _files() -> list[Path]:
    return sorted((_FOLDER / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def _revision_of(file: Path) -> str:
    return file.name.split("_")[0]


def _floor_of(file: Path) -> str | None:
    """Return what a migration says in FLOOR; it is read and not run."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [one.id for one in node.targets if isinstance(one, ast.Name)]
            if "FLOOR" in names:
                return str(node.value.value)
    return None


def _revision(connection: Connection) -> str | None:
    """Return what alembic noted in the database, if it was ever there."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608
    return found.scalar_one_or_none()
