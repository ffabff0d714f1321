# SPDX-License-Identifier: Apache-2.0
"""Tunnels of hosts, and the hub where they end."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "hub",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("private_key_sealed", sa.Text(), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub")),
    )
    op.create_table(
        "tunnel",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("public_key", sa.String(length=44)),
        sa.Column("next_key", sa.String(length=44)),
        sa.Column("claim_key", sa.String(length=44)),
        sa.Column("claim_until", sa.DateTime(timezone=True)),
        sa.Column("rotated_at", sa.DateTime(timezone=True)),
        sa.Column("endpoint", sa.String(length=64)),
        sa.Column("handshake_at", sa.DateTime(timezone=True)),
        sa.Column(
            "received_bytes", sa.BigInteger(), server_default="0", nullable=False
        ),
        sa.Column("sent_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f("fk_tunnel_host_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tunnel")),
        sa.UniqueConstraint("address", name=op.f("uq_tunnel_address")),
        sa.UniqueConstraint("claim_key", name=op.f("uq_tunnel_claim_key")),
        sa.UniqueConstraint("host_id", name=op.f("uq_tunnel_host_id")),
        sa.UniqueConstraint("next_key", name=op.f("uq_tunnel_next_key")),
        sa.UniqueConstraint("public_key", name=op.f("uq_tunnel_public_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_tunnel_uuid")),
        sqlite_autoincrement=True,
    )
