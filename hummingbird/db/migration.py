# SPDX-License-Identifier: Apache-2.0
"""Brings a database to the schema of this version, with alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hummingbird.db.session import Database


def alembic_config() -> Config:
    """Return alembic's configuration; the migrations are inside the package."""
    config = Config()
    folder = Path(__file__).resolve().parent / "migrations"
    config.set_main_option("script_location", str(folder))
    return config


def upgrade(database: Database, *, revision: str = "head") -> None:
    """Run the migrations up to `revision`; safe to call at every start."""
    config = alembic_config()
    with database.engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
        head = ScriptDirectory.from_config(config).get_current_head()
        connection.rollback()
        if revision == "head" and at == head:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
