# SPDX-License-Identifier: Apache-2.0
"""A host remembers that it was switched off on purpose, how far its provisioning is, and
what would be put on it now."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("host", sa.Column("target_plan", sa.String(length=64)))
    op.add_column("host", sa.Column("progress", sa.String(length=16)))
    op.add_column(
        "host",
        sa.Column(
            "powered_off", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
