# SPDX-License-Identifier: Apache-2.0
"""Address pools and addresses: what networks and hosts had becomes rows of their own.

Board management addresses that two hosts share, or that are a host's address as well,
stay with the host that came first, and its attributes say what they said.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_POOL = sa.table(
    "address_pool",
    sa.column("id", sa.Integer()),
    sa.column("uuid", sa.String()),
    sa.column("name", sa.String()),
    sa.column("emn_id", sa.Integer()),
    sa.column("network", sa.String()),
    sa.column("prefix", sa.Integer()),
    sa.column("family", sa.Integer()),
    sa.column("order", sa.String()),
    sa.column("ranges", sa.JSON()),
    sa.column("first_key", sa.String()),
    sa.column("last_key", sa.String()),
    sa.column("generation", sa.Integer()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_ADDRESS = sa.table(
    "address",
    sa.column("uuid", sa.String()),
    sa.column("address", sa.String()),
    sa.column("key", sa.String()),
    sa.column("pool_id", sa.Integer()),
    sa.column("host_id", sa.Integer()),
    sa.column("role", sa.String()),
    sa.column("name", sa.String()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_HOST = sa.table(
    "host",
    sa.column("id", sa.Integer()),
    sa.column("hostname", sa.String()),
    sa.column("mgmt_ip", sa.String()),
    sa.column("attributes", sa.JSON()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_EMN = sa.table(
    "emn",
    sa.column("id", sa.Integer()),
    sa.column("name", sa.String()),
    sa.column("cidr", sa.String()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column(
        "emn",
        sa.Column("dynamic", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "emn",
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
    )
    _create_address_pool()
    _create_address()
    connection = op.get_bind()
    pools = list(_pools(connection))
    if pools:
        connection.execute(_POOL.insert(), pools)
    addresses = list(_addresses(connection))
    if addresses:
        connection.execute(_ADDRESS.insert(), addresses)


def _create_address_pool() -> None:
    op.create_table(
        "address_pool",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("emn_id", sa.Integer()),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("prefix", sa.Integer(), nullable=False),
        sa.Column("family", sa.Integer(), nullable=False),
        sa.Column("order", sa.String(length=16), nullable=False),
        sa.Column("ranges", sa.JSON(), nullable=False),
        sa.Column("first_key", sa.String(length=33), nullable=False),
        sa.Column("last_key", sa.String(length=33), nullable=False),
        sa.Column("next_key", sa.String(length=33)),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["emn_id"], ["emn.id"], name=op.f("fk_address_pool_emn_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_pool")),
        sa.UniqueConstraint(
            "emn_id", "family", name=op.f("uq_address_pool_emn_id_family")
        ),
        sa.UniqueConstraint(
            "first_key", "prefix", name=op.f("uq_address_pool_first_key_prefix")
        ),
        sa.UniqueConstraint("name", name=op.f("uq_address_pool_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_address_pool_uuid")),
        sqlite_autoincrement=True,
    )


def _create_address() -> None:
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("key", sa.String(length=33), nullable=False),
        sa.Column("pool_id", sa.Integer()),
        sa.Column("host_id", sa.Integer()),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f("fk_address_host_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["address_pool.id"], name=op.f("fk_address_pool_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("address", name=op.f("uq_address_address")),
        sa.UniqueConstraint("key", name=op.f("uq_address_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_address_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_address_host_id"), "address", ["host_id"])
    op.create_index("ix_address_pool_id_role", "address", ["pool_id", "role"])


def _pools(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    for row in connection.execute(sa.select(_EMN).order_by(_EMN.c.id)).all():
        for part in row.cidr.split(","):
            network = ipaddress.ip_network(part)
            first, last = network.network_address, network.broadcast_address
            inner = 1 if network.num_addresses > 2 else 0
            yield {
                "uuid": str(uuid4()),
                "name": f"{row.name}-ipv{network.version}",
                "emn_id": row.id,
                "network": str(first),
                "prefix": network.prefixlen,
                "family": network.version,
                "order": "random",
                "ranges": [[str(first + inner), str(last - inner)]],
                "first_key": _key(first),
                "last_key": _key(last),
                "generation": 1,
                "created_at": row.created_at,
            }


def _addresses(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    # The smallest first: a network that is attached by VXLAN is a part of another.
    pools = connection.execute(
        sa.select(_POOL.c.id, _POOL.c.first_key, _POOL.c.last_key).order_by(
            _POOL.c.prefix.desc()
        )
    ).all()
    hosts = connection.execute(sa.select(_HOST).order_by(_HOST.c.id)).all()
    wanted = [(host, host.mgmt_ip, "host", "mgmt") for host in hosts]
    wanted += [(host, host.attributes.get("bm_ip"), "board", "bm") for host in hosts]
    seen: set[str] = set()
    for host, given, role, suffix in wanted:
        if not given:
            continue
        address = ipaddress.ip_address(given)
        key = _key(address)
        if key in seen:
            continue
        seen.add(key)
        within = [pool.id for pool in pools if pool.first_key <= key <= pool.last_key]
        yield {
            "uuid": str(uuid4()),
            "address": str(address),
            "key": key,
            "pool_id": within[0] if within else None,
            "host_id": host.id,
            "role": role,
            "name": f"{host.hostname}-{suffix}",
            "created_at": host.created_at,
        }


def _key(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"{address.version}{int(address):032x}"
