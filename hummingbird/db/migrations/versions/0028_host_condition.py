# SPDX-License-Identifier: Apache-2.0
"""What was seen of hosts beside their heartbeats: conditions."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "host_condition",
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observer", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_host_condition_host_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("host_id", "type", name="pk_host_condition"),
    )
    op.create_index(
        "ix_host_condition_type_status", "host_condition", ["type", "status"]
    )
