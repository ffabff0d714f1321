# SPDX-License-Identifier: Apache-2.0
"""Brings a database to the schema of this version, with alembic.

At most starts there is nothing to bring up: then alembic is not even loaded, which with
its templates would stay in memory for the rest of the process's life.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from hummingbird.db.session import Connection, Database

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER: Final = Path(__file__).resolve().parent / "migrations"
_VERSIONS: Final = "alembic_version"


def alembic_config() -> "Config":
    """Return alembic's configuration; the migrations are inside the package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


def head() -> str:
    """Return the revision of this version: the number of the last migration's file."""
    files = (_FOLDER / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
    return max(file.name.split("_")[0] for file in files)


def upgrade(database: Database, *, revision: str = "head") -> None:
    """Run the migrations up to `revision`; safe to call at every start."""
    with database.engine.connect() as connection:
        at = _revision(connection)
        connection.rollback()
        if revision == "head" and at == head():
            return
        from alembic import command

        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _revision(connection: Connection) -> str | None:
    """Return what alembic noted in the database, if it was ever there."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608
    return found.scalar_one_or_none()
