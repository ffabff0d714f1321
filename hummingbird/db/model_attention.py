# SPDX-License-Identifier: Apache-2.0
"""The tables of who has to be looked at; a part of model.py."""

from sqlalchemy import BigInteger, Column, Float, Integer, Table

from hummingbird.db.table import METADATA
from hummingbird.db.table import PlainString as String

ATTENTION = Table(
    "attention",
    METADATA,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("host_id", Integer),
    Column("emn_id", Integer),
    Column("subject", String(255)),
    sqlite_autoincrement=True,
)
"""What has changed and was not looked at yet: a host, the network that it was in until then,
the entity of an alarm; nothing of them: everything. Written by triggers (db/trigger.py), read
and deleted by the conductor that acts for the fleet. Rows are only ever added, so that nobody
who changes a host waits for another one who does."""

VERDICT = Table(
    "verdict",
    METADATA,
    Column("host_id", Integer, primary_key=True, autoincrement=False),
    Column("liveness", String(8), nullable=False),
    Column("look_seconds", Float, index=True),
)
"""What was concluded of hosts that are silent, or can't be told yet: the others have no row.
`look_seconds`: when, on the listening clock, it may be another; null: not before the host is
heard. The rows of hosts that are gone mean nothing."""
