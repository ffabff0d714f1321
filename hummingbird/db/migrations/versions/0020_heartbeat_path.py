# SPDX-License-Identifier: Apache-2.0
"""A heartbeat says what its host has measured of its path."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("heartbeat", sa.Column("rtt_seconds", sa.Float()))
    for name in ("sent", "lost", "path_mtu"):
        op.add_column("heartbeat", sa.Column(name, sa.Integer()))
