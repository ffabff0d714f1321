# SPDX-License-Identifier: Apache-2.0
"""A host knows the uid of its node, so that no other node of its name is taken for it."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.add_column("host", sa.Column("node_uid", sa.String(length=36)))
