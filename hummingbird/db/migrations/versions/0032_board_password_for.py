# SPDX-License-Identifier: Apache-2.0
"""Passwords of boards that were stored without what they were given for are bound to the
board that their host names now."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    host = sa.table(
        "host", sa.column("id", sa.Integer), sa.column("attributes", sa.JSON)
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(host.c.id, host.c.attributes)).all():
        settings = row.attributes
        if "bm_password_sealed" not in settings or "bm_password_for" in settings:
            continue
        # As domain.board.bound_to said when this was written.
        kind = str(settings.get("bm_type"))
        bound = [
            "redfish" if kind == "dynamic" else kind,
            str(settings.get("bm_ip")),
            str(settings.get("bm_username")),
        ]
        connection.execute(
            sa.update(host)
            .where(host.c.id == row.id)
            .values(attributes={**settings, "bm_password_for": bound})
        )
