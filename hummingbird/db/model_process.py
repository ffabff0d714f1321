# SPDX-License-Identifier: Apache-2.0
"""Tables of processes: who lives, who alone may do what, what each controller sees of its
own links."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Table,
    false,
)

from hummingbird.db.table import METADATA, UtcDateTime
from hummingbird.db.table import PlainString as String
from hummingbird.db.table import table as _table

LEASE = Table(
    "lease",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("renewal", BigInteger, nullable=False, server_default="0"),
)
"""Who alone may do what is named (domain/lease.py); `until` is for people."""

PROCESS = _table(
    "process",
    Column("name", String(128), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("incarnation", String(36), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
    Column("clock_seconds", Float),
    Column("listening_seconds", Float),
    Column("complete_seconds", Float),
    Column("gone_after_seconds", Float),
    Column("farewell", Boolean, nullable=False, server_default=false()),
    Column("version", String(32)),
    Column("down_since", UtcDateTime),
    Column("down_observer", String(128)),
)
"""Conductors, gateways and APIs that are or were alive (domain/process.py); a stale beat_at is
a death. `clock_seconds` to `gone_after_seconds` are a gateway's own: moments on the listening
clock (domain/hearing.py)."""

LINK = Table(
    "link",
    METADATA,
    Column("controller", String(128), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("up_since", UtcDateTime),
    Column("changed_seconds", Float),
)
"""The controllers' own interfaces that lead to hosts, each as its controller sees it;
up_since is null while down. `changed_seconds`: since when it is so, on the listening clock."""

EMN_LINK = Table(
    "emn_link",
    METADATA,
    Column("controller", String(128), primary_key=True),
    Column("emn_id", ForeignKey("emn.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(32), nullable=False),
)
"""Which of a controller's interfaces leads to which EMN."""
