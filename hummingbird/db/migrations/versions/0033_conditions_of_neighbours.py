# SPDX-License-Identifier: Apache-2.0
"""Conditions have a message; what is wrong with Kubernetes itself has a row of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column(
        "host_condition",
        sa.Column("message", sa.String(255), nullable=False, server_default=""),
    )
    op.create_table(
        "neighbour_condition",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.String(255), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observer", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_neighbour_condition"),
    )
