# SPDX-License-Identifier: Apache-2.0
"""The tables of what is heard, and of the sessions it is said in; a part of model.py."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    false,
)

from hummingbird.db.table import METADATA, UtcDateTime
from hummingbird.db.table import PlainString as String
from hummingbird.db.table import table as _table

HEARTBEAT = Table(
    "heartbeat",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("last_heard_at", UtcDateTime, nullable=False),
    Column("period_seconds", Float, nullable=False),
    Column("boot_id", String(36), nullable=False),
    Column("uptime_seconds", Integer, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("rtt_seconds", Float),
    Column("sent", Integer),
    Column("lost", Integer),
    Column("path_mtu", Integer),
    Column("heard_seconds", Float),
    Column("due_seconds", Float),
    Column("gateway", String(128), nullable=False, server_default=""),
    Column("settled", Boolean, nullable=False, server_default=false()),
    Index("ix_heartbeat_settled_due_seconds", "settled", "due_seconds"),
)
"""`due_at`: when the host is late if it says nothing more. `heard_seconds` and `due_seconds`
say the same on the listening clock, by which silence is measured; null: a gateway of a
release before wrote it. `settled`: somebody has looked at it since it was due, and the
verdict says when to look again; the conductor's own, no gateway writes it."""

AGENT_SESSION = _table(
    "agent_session",
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), nullable=False),
    Column("agent", String(32), nullable=False),
    Column("node_uid", String(36), nullable=False),
    Column("pod_uid", String(36), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("nonce", String(32)),
    Index("ix_agent_session_host_id_agent", "host_id", "agent"),
)
