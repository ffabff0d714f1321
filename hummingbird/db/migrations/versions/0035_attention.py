# SPDX-License-Identifier: Apache-2.0
"""Who has to be looked at is known without a look at the others."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "attention",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("host_id", sa.Integer()),
        sa.Column("emn_id", sa.Integer()),
        sa.Column("subject", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_attention"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "verdict",
        sa.Column("host_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("liveness", sa.String(8), nullable=False),
        sa.Column("look_seconds", sa.Float()),
        sa.PrimaryKeyConstraint("host_id", name="pk_verdict"),
    )
    op.create_index(op.f("ix_verdict_look_seconds"), "verdict", ["look_seconds"])
    op.add_column(
        "heartbeat",
        sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_heartbeat_settled_due_seconds", "heartbeat", ["settled", "due_seconds"]
    )
    op.drop_index(op.f("ix_heartbeat_due_seconds"), table_name="heartbeat")
