# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: runs on the connection that db/migration.py hands over."""

from alembic import context
from sqlalchemy import Connection

from hummingbird.db.model import METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
