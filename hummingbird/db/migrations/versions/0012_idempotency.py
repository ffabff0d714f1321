# SPDX-License-Identifier: Apache-2.0
"""Answers to requests that may come again."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer_sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency")),
        sa.UniqueConstraint("digest", name=op.f("uq_idempotency_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_idempotency_expires_at"), "idempotency", ["expires_at"])
