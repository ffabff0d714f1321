# SPDX-License-Identifier: Apache-2.0
"""A run says on the listening clock when a step that can't be repeated was begun."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column("run", sa.Column("instruction_clock", sa.Float()))
