# SPDX-License-Identifier: Apache-2.0
"""The tables of conditions: of hosts, and of the neighbours that all hosts hang on."""

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
    Column("message", String(255), nullable=False, server_default=""),
    Index("ix_host_condition_type_status", "type", "status"),
)
"""What was seen of hosts, each fact with who saw it and since when."""

NEIGHBOUR_CONDITION = Table(
    "neighbour_condition",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", String(255), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("observer", String(128), nullable=False),
)
"""What was seen of a neighbour itself: one row in place of one for each host."""
