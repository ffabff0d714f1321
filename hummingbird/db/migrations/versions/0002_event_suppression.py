# SPDX-License-Identifier: Apache-2.0
"""Alarm ids can be suppressed, and alarms posted by others are told from ours."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "event_suppression",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("alarm_id", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column(
            "suppressed", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_suppression")),
        sa.UniqueConstraint("alarm_id", name=op.f("uq_event_suppression_alarm_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_event_suppression_uuid")),
        sqlite_autoincrement=True,
    )
    # Not in a batch: that would copy the table, for a column that SQLite can add.
    op.add_column(
        "alarm",
        sa.Column("posted", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
