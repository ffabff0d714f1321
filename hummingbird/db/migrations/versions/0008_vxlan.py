# SPDX-License-Identifier: Apache-2.0
"""A host has an address below its tunnel; a network that is attached by VXLAN has a number,
and an interface of its gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("host", sa.Column("underlay", sa.String(length=45)))
    op.create_index("ix_host_underlay", "host", ["underlay"], unique=True)
    op.add_column("emn", sa.Column("vni", sa.Integer()))
    op.create_index("ix_emn_vni", "emn", ["vni"], unique=True)
    op.add_column("emn", sa.Column("lan_interface", sa.String(length=15)))
