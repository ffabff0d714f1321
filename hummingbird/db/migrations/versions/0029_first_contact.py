# SPDX-License-Identifier: Apache-2.0
"""A credential says whether its passwords may go to a host whose key is not pinned."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column(
        "credential",
        sa.Column(
            "password_on_first_contact",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
        ),
    )
