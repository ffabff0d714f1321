# SPDX-License-Identifier: Apache-2.0
"""The table of conditions."""

from sqlalchemy import Column, ForeignKey, Index, Table

from hummingbird.db.table import METADATA, UtcDateTime
from hummingbird.db.table import PlainString as String

HOST_CONDITION = Table(
    "host_condition",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("observer", String(128), nullable=False),
    Index("ix_host_condition_type_status", "type", "status"),
)
"""What was seen of hosts, each fact with who saw it and since when."""
