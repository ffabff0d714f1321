# SPDX-License-Identifier: Apache-2.0
"""Addresses are found by the name that they are kept under."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index(op.f("ix_address_name"), "address", ["name"])
