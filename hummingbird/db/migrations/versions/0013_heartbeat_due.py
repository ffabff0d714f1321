# SPDX-License-Identifier: Apache-2.0
"""When each host is due: who looks at the silent ones finds them by an index.

Hosts that are known count as due until they are heard again, so that the first look
sees all of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("heartbeat") as batch:
        batch.add_column(sa.Column("due_at", sa.DateTime(timezone=True)))
    heartbeat = sa.table("heartbeat", sa.column("due_at"), sa.column("last_heard_at"))
    op.execute(heartbeat.update().values(due_at=heartbeat.c.last_heard_at))
    with op.batch_alter_table("heartbeat") as batch:
        batch.alter_column("due_at", nullable=False)
        batch.create_index(op.f("ix_heartbeat_due_at"), ["due_at"])
    with op.batch_alter_table("host") as batch:
        batch.create_index(op.f("ix_host_online"), ["online"])
