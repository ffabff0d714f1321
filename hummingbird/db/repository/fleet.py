# SPDX-License-Identifier: Apache-2.0
"""Questions about many hosts that the database answers without reading each of them."""

from collections.abc import Iterable

from sqlalchemy import Connection, exists, func, literal, select, update

from hummingbird.db.model import EMN, HEARTBEAT, HOST
from hummingbird.db.repository import host, ids
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import Owner

CHUNK = 500
"""Names in one query; databases bound the number of parameters."""

_OWNER = tuple(HOST.c[name] for name in Owner.__dataclass_fields__)


def ids_of(connection: Connection, hostnames: Iterable[str]) -> set[int]:
    """Return the ids of those of the hosts that there are."""
    wanted = sorted(hostnames)
    found: set[int] = set()
    for start in range(0, len(wanted), CHUNK):
        some = HOST.c.hostname.in_(wanted[start : start + CHUNK])
        found.update(connection.execute(select(HOST.c.id).where(some)).scalars())
    return found


def in_state(
    connection: Connection, state: HostState, *, among: Iterable[int] | None = None
) -> set[int]:
    """Return the ids of the hosts in a state.

    :param among: of which hosts; None: of all.
    """
    query = select(HOST.c.id).where(HOST.c.state == state.value)
    return ids.of(connection, query, HOST.c.id, among=among)


def in_networks(connection: Connection, emn_ids: Iterable[int]) -> list[Host]:
    """Return the hosts of these EMNs, by id."""
    query = select(HOST.c.id).where(HOST.c.emn_id.in_(list(emn_ids)))
    return host.among(connection, connection.execute(query).scalars())


def kubelet_versions(connection: Connection) -> set[str]:
    """Return the versions of kubelet that run on any host."""
    query = select(HOST.c.kubelet_version).where(HOST.c.kubelet_version.is_not(None))
    return set(connection.execute(query.distinct()).scalars())


def any_provisioned(connection: Connection) -> bool:
    """Return whether something of ours was ever put on any host."""
    query = select(HOST.c.id).where(HOST.c.provisioned_plan.is_not(None)).limit(1)
    return connection.execute(query).first() is not None


def node_owners(connection: Connection, states: Iterable[HostState]) -> list[Owner]:
    """Return the provisioned hosts in these states that nobody works on, by id: of each
    what its node depends on, which takes a tenth of the time of reading the hosts."""
    query = select(*_OWNER).where(
        HOST.c.state.in_([state.value for state in states]),
        HOST.c.provisioned_plan.is_not(None),
        HOST.c.reservation_owner.is_(None),
    )
    return [
        Owner(
            id=row.id,
            uuid=row.uuid,
            hostname=row.hostname,
            state=HostState(row.state),
            emn_id=row.emn_id,
            generation=row.generation,
            kubelet_version=row.kubelet_version,
            node_uid=row.node_uid,
            online=row.online,
        )
        for row in connection.execute(query.order_by(HOST.c.id))
    ]


def count_in_service(connection: Connection) -> int:
    """Return how many hosts are in service and not silent."""
    states = [HostState.ENABLED.value, HostState.DEGRADED.value]
    query = select(func.count()).select_from(HOST).where(HOST.c.state.in_(states))
    return int(connection.execute(query).scalar_one())


def an_address_of_each_emn(connection: Connection) -> dict[int, str]:
    """Return for each EMN with provisioned hosts the address of its first, by EMN id: the
    one below a VXLAN, whose bridge is always up, where one has such."""
    first = (
        select(func.coalesce(HOST.c.underlay, HOST.c.mgmt_ip))
        .where(
            HOST.c.emn_id == EMN.c.id,
            HOST.c.provisioned_plan.is_not(None),
            HOST.c.mgmt_ip.is_not(None),
        )
        .order_by(HOST.c.underlay.is_(None), HOST.c.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(select(EMN.c.id, first))
    return {row[0]: row[1] for row in rows if row[1] is not None}


def note_uptimes(connection: Connection, *, grain_seconds: int) -> None:
    """Take over how long hosts have been up, where that is so many seconds off, from
    their heartbeats: one statement for the whole fleet."""
    heard = HEARTBEAT.c.host_id == HOST.c.id
    drift = func.abs(HEARTBEAT.c.uptime_seconds - HOST.c.uptime_seconds)
    uptime = select(HEARTBEAT.c.uptime_seconds).where(heard).scalar_subquery()
    is_off = exists().where(heard, drift >= grain_seconds)
    connection.execute(update(HOST).where(is_off).values(uptime_seconds=uptime))


def note_target_plans(connection: Connection, *, basis: str) -> int:
    """Say of all provisioned hosts whether what is on them is what would be put on them
    now; return of how many that was news. Those of which it is not known are left.

    :param basis: what plans rest on now.
    """
    is_known = HOST.c.provisioned_plan.is_not(None) & HOST.c.plan_basis.is_not(None)
    changed = 0
    for where, target in (
        (HOST.c.plan_basis == basis, HOST.c.provisioned_plan),
        (HOST.c.plan_basis != basis, literal(basis)),
    ):
        is_news = HOST.c.target_plan.is_distinct_from(target)
        changed += connection.execute(
            update(HOST).where(is_known, where, is_news).values(target_plan=target)
        ).rowcount
    return changed
