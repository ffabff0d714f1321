# SPDX-License-Identifier: Apache-2.0
"""A host's facts are kept in sections, with an index of their items and a history."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _host_id(table: str, **options: Any) -> tuple[sa.Column[Any], Any]:
    return (
        sa.Column("host_id", sa.Integer(), nullable=False, **options),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f(f"fk_{table}_host_id"),
            ondelete="CASCADE",
        ),
    )


def upgrade() -> None:
    section = _create_tables()
    op.add_column(
        "host",
        sa.Column(
            "inventoried", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
    op.add_column("facts", sa.Column("stream", sa.String(length=36)))
    op.add_column(
        "facts",
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
    )
    _split(section)
    op.drop_column("facts", "body")


def _create_tables() -> sa.Table:
    section = op.create_table(
        "facts_section",
        *_host_id("facts_section"),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "name", name=op.f("pk_facts_section")),
    )
    op.create_table(
        "facts_item",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        *_host_id("facts_item"),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_facts_item")),
    )
    op.create_index(
        "ix_facts_item_host_id_section", "facts_item", ["host_id", "section"]
    )
    op.create_table(
        "facts_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *_host_id("facts_change"),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(length=255), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts_change")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_facts_change_host_id_id", "facts_change", ["host_id", "id"])
    assert section is not None
    return section


def _split(section: sa.Table) -> None:
    """Bring over what is known. Without a hash, so that it is wanted anew: the items'
    index comes with the next report, and what is shown stays until then."""
    facts = sa.table(
        "facts",
        sa.column("host_id", sa.Integer()),
        sa.column("content_hash", sa.String()),
        sa.column("body", sa.JSON()),
        sa.column("changed_at", sa.DateTime(timezone=True)),
    )
    host = sa.table(
        "host", sa.column("id", sa.Integer()), sa.column("inventoried", sa.Boolean())
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(facts)).all():
        for name, body in row.body.items():
            if name != "schema":
                connection.execute(
                    section.insert().values(
                        host_id=row.host_id,
                        name=name,
                        content_hash="",
                        body=body,
                        changed_at=row.changed_at,
                    )
                )
        connection.execute(
            sa.update(host).where(host.c.id == row.host_id).values(inventoried=True)
        )
    connection.execute(sa.update(facts).values(content_hash=""))
