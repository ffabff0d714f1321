# SPDX-License-Identifier: Apache-2.0
"""A run says which step that can't be repeated was begun, and in which boot the host was."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("run", sa.Column("instruction_step", sa.String(32)))
    op.add_column("run", sa.Column("instruction_boot_id", sa.String(36)))
    op.add_column("run", sa.Column("instruction_at", sa.DateTime(timezone=True)))
