# SPDX-License-Identifier: Apache-2.0
"""A network of hosts says what stands before it, and the largest packet that it takes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("emn", sa.Column("gateway", sa.String(length=63)))
    op.add_column("emn", sa.Column("mtu", sa.Integer()))
