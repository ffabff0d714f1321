# SPDX-License-Identifier: Apache-2.0
"""How the applications are that we keep installed, and which kubelet a host runs."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "application",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("app_version", sa.String(length=63), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("progress", sa.String(length=255)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_application")),
    )
    op.add_column("host", sa.Column("kubelet_version", sa.String(length=32)))
