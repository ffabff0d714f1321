# SPDX-License-Identifier: Apache-2.0
"""Ids of hosts begin above a million: a sysinv beside us counts its own from 1."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # The row comes with the first host; without it a first one is made.
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'host', 0 WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = 'host')"
        )
        connection.exec_driver_sql(
            "UPDATE sqlite_sequence SET seq = 1000000 "
            "WHERE name = 'host' AND seq < 1000000"
        )
        return
    connection.exec_driver_sql(
        "ALTER SEQUENCE host_id_seq START WITH 1000001 RESTART WITH 1000001"
    )
