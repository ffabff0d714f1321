# SPDX-License-Identifier: Apache-2.0
"""Gateways say through when what they heard is written, on a clock that they share."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for name in (
        "clock_seconds",
        "listening_seconds",
        "complete_seconds",
        "gone_after_seconds",
    ):
        op.add_column("process", sa.Column(name, sa.Float()))
    op.add_column(
        "process",
        sa.Column("farewell", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("heartbeat", sa.Column("heard_seconds", sa.Float()))
    op.add_column("heartbeat", sa.Column("due_seconds", sa.Float()))
    op.add_column(
        "heartbeat",
        sa.Column("gateway", sa.String(128), nullable=False, server_default=""),
    )
    op.create_index(op.f("ix_heartbeat_due_seconds"), "heartbeat", ["due_seconds"])
