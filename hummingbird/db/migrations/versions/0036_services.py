# SPDX-License-Identifier: Apache-2.0
"""A process says of which version it is; that it is silent is an observation of another."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.add_column("process", sa.Column("version", sa.String(32)))
    op.add_column("process", sa.Column("down_since", sa.DateTime(timezone=True)))
    op.add_column("process", sa.Column("down_observer", sa.String(128)))
