# SPDX-License-Identifier: Apache-2.0
"""Whether anything about tunnels has changed can be asked without reading them all."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column(
        "tunnel",
        sa.Column("stamp", sa.BigInteger(), server_default="0", nullable=False),
    )
