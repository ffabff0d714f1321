# SPDX-License-Identifier: Apache-2.0
"""The tables of addresses and of the pools that they are in; a part of model.py."""

from sqlalchemy import Column, ForeignKey, Index, Integer, UniqueConstraint

from hummingbird.db.table import PlainJson as JSON
from hummingbird.db.table import PlainString as String
from hummingbird.db.table import UtcDateTime
from hummingbird.db.table import table as _table

ADDRESS_POOL = _table(
    "address_pool",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("emn_id", ForeignKey("emn.id")),
    Column("network", String(45), nullable=False),
    Column("prefix", Integer, nullable=False),
    Column("family", Integer, nullable=False),
    Column("order", String(16), nullable=False),
    Column("ranges", JSON, nullable=False),
    Column("first_key", String(33), nullable=False),
    Column("last_key", String(33), nullable=False),
    Column("next_key", String(33)),
    Column("generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
    UniqueConstraint("emn_id", "family"),
    UniqueConstraint("first_key", "prefix"),
)

ADDRESS = _table(
    "address",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("address", String(45), nullable=False, unique=True),
    Column("key", String(33), nullable=False, unique=True),
    Column("pool_id", ForeignKey("address_pool.id")),
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), index=True),
    Column("role", String(16), nullable=False),
    Column("name", String(255), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
    Index("ix_address_pool_id_role", "pool_id", "role"),
    Index("ix_address_role_host_id", "role", "host_id"),
)
"""Every address that somebody has, once; a host's mgmt_ip is the first of its own."""
