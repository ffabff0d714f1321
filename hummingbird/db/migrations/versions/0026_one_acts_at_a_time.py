# SPDX-License-Identifier: Apache-2.0
"""A lease counts its owners and their renewals; links are each controller's own."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    for name in ("epoch", "renewal"):
        op.add_column(
            "lease",
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"),
        )
    op.add_column("link", sa.Column("changed_seconds", sa.Float()))
    op.create_table(
        "emn_link",
        sa.Column("controller", sa.String(128), nullable=False),
        sa.Column("emn_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["emn_id"], ["emn.id"], name="fk_emn_link_emn_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("controller", "emn_id", name="pk_emn_link"),
    )
