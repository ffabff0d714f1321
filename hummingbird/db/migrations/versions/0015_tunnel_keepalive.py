# SPDX-License-Identifier: Apache-2.0
"""A tunnel says whether its host is behind NAT, and which controller heard it last."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column(
        "tunnel",
        sa.Column(
            "keepalive_seconds", sa.Integer(), server_default="0", nullable=False
        ),
    )
    op.add_column("tunnel", sa.Column("controller", sa.String(length=128)))
