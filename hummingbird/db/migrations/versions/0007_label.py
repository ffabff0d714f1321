# SPDX-License-Identifier: Apache-2.0
"""Labels of hosts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("label_key", sa.String(length=317), nullable=False),
        sa.Column("label_value", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f("fk_label_host_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint(
            "host_id", "label_key", name=op.f("uq_label_host_id_label_key")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_label_uuid")),
        sqlite_autoincrement=True,
    )
