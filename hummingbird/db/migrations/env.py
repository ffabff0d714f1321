# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: runs on the connection that db/migration.py hands over."""

from alembic import context
from sqlalchemy import Connection, inspect

from hummingbird.db import trigger
from hummingbird.db.model import ATTENTION, METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
    if inspect(connection).has_table(ATTENTION.name):
        trigger.put(connection)
connection.commit()
