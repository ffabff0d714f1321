# SPDX-License-Identifier: Apache-2.0
"""A host remembers on which settings it was provisioned."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("host", sa.Column("plan_basis", sa.String(length=64)))
