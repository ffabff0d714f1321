# SPDX-License-Identifier: Apache-2.0
"""A session's key is derived from a nonce of its own, so that an id is no key."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("agent_session", sa.Column("nonce", sa.String(32)))
