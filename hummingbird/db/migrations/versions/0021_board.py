# SPDX-License-Identifier: Apache-2.0
"""Whether the board management controller of a host answers."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "board",
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("away_since", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["host_id"], ["host.id"], name="fk_board_host_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", name="pk_board"),
    )
    op.create_index("ix_board_away_since", "board", ["away_since"])
    op.create_index("ix_address_role_host_id", "address", ["role", "host_id"])
