# SPDX-License-Identifier: Apache-2.0
"""Conditions of hosts; written only where they change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, select, update

from hummingbird.db.model import HEARTBEAT, HOST, HOST_CONDITION
from hummingbird.db.repository import ids
from hummingbird.domain.condition import (
    HEARD,
    HOST_KEY_KNOWN,
    KUBERNETES,
    MESSAGE_MAX,
    PROVISIONED,
    READY,
    Condition,
    Seen,
    Status,
    heard_or_not,
)
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState

_REASON_MAX: Final = 64
_UNREADY: Final = (Status.FALSE.value, Status.UNKNOWN.value)
_IS_UNREADY: Final = (
    (HOST.c.state == HostState.DEGRADED.value)
    & HOST.c.online.is_(True)
    & (HOST_CONDITION.c.type == READY)
    & HOST_CONDITION.c.status.in_(_UNREADY)
)
_SEEN: Final = ("status", "reason", "message", "observer", "type", "since")


def of_host(connection: Connection, host_id: int) -> list[Condition]:
    """Return what was seen of a host."""
    columns = [HOST_CONDITION.c[name] for name in _SEEN]
    query = select(*columns).where(HOST_CONDITION.c.host_id == host_id)
    return [
        Condition(**{**row._mapping, "status": Status(row.status)})
        for row in connection.execute(query)
    ]


def ready(connection: Connection) -> dict[int, Status]:
    """Return host id -> whether its node was Ready when it was last seen."""
    table = HOST_CONDITION
    query = select(table.c.host_id, table.c.status).where(table.c.type == READY)
    return {row.host_id: Status(row.status) for row in connection.execute(query)}


def not_ready(
    connection: Connection, *, among: Iterable[int] | None = None
) -> set[int]:
    """Return the ids of the hosts whose nodes were not Ready when last seen, or of whose
    kubelets alone Kubernetes has heard nothing, though they are heard themselves.

    :param among: of which hosts; None: of all.
    """
    table = HOST_CONDITION
    is_told = (table.c.status == Status.FALSE.value) | HOST.c.online.is_(True)
    query = (
        select(table.c.host_id)
        .join(HOST, HOST.c.id == table.c.host_id)
        .where(table.c.type == READY, table.c.status.in_(_UNREADY), is_told)
    )
    return ids.of(connection, query, HOST_CONDITION.c.host_id, among=among)


@dataclass(frozen=True, kw_only=True)
class Unready:
    """A host in service that is heard and whose node is not Ready."""

    host_id: int
    host_uuid: str
    hostname: str
    is_reserved: bool
    """Whether somebody works on it."""
    since: datetime


def unready(connection: Connection) -> list[Unready]:
    """Return the hosts that are heard and whose nodes are not Ready, by id."""
    return [
        Unready(
            host_id=row.id,
            host_uuid=row.uuid,
            hostname=row.hostname,
            is_reserved=row.reservation_owner is not None,
            since=row.since,
        )
        for row in connection.execute(_UNREADY_HOSTS)
    ]


_UNREADY_HOSTS: Final = (
    select(
        HOST.c.id,
        HOST.c.uuid,
        HOST.c.hostname,
        HOST.c.reservation_owner,
        HOST_CONDITION.c.since,
    )
    .join(HOST_CONDITION, HOST_CONDITION.c.host_id == HOST.c.id)
    .where(_IS_UNREADY)
    .order_by(HOST.c.id)
)
"""Made once: to build it takes longer than to run it for a few rows."""


def key_changed(
    connection: Connection, *, among: Iterable[int] | None = None
) -> set[int]:
    """Return the ids of the hosts that showed another SSH host key than is pinned.

    :param among: of which hosts; None: of all.
    """
    query = select(HOST_CONDITION.c.host_id).where(
        HOST_CONDITION.c.type == HOST_KEY_KNOWN,
        HOST_CONDITION.c.status == Status.FALSE.value,
    )
    return ids.of(connection, query, HOST_CONDITION.c.host_id, among=among)


def key_changed_since(connection: Connection, host_id: int) -> datetime | None:
    """Return when a host was first seen with another key than is pinned; None: it has not
    been, or has shown the pinned one since."""
    table = HOST_CONDITION
    query = select(table.c.since).where(
        table.c.host_id == host_id,
        table.c.type == HOST_KEY_KNOWN,
        table.c.status == Status.FALSE.value,
    )
    return connection.execute(query).scalar()


def count(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Return of how many hosts each condition was seen: (type, status) -> number."""
    table = HOST_CONDITION
    query = select(table.c.type, table.c.status, func.count()).group_by(
        table.c.type, table.c.status
    )
    return {(kind, status): int(n) for kind, status, n in connection.execute(query)}


def put(
    connection: Connection, host_id: int, kind: str, seen: Seen, *, now: datetime
) -> bool:
    """Note what was seen of a host; nothing where it is no news, or the host is gone.

    What differs in its message or its observer alone is no news.

    :returns: whether it was written.
    """
    table = HOST_CONDITION
    key = (table.c.host_id == host_id) & (table.c.type == kind)
    query = select(table.c.status, table.c.reason).where(key)
    known = connection.execute(query).first()
    status, reason = seen.status.value, seen.reason[:_REASON_MAX]
    if known is not None and (known.status, known.reason) == (status, reason):
        return False
    values: dict[str, object] = {
        "status": status,
        "reason": reason,
        "message": seen.message[:MESSAGE_MAX],
        "observer": seen.observer,
    }
    if known is not None:
        # As Kubernetes' lastTransitionTime: another reason is no transition.
        if known.status != status:
            values["since"] = now
        connection.execute(update(table).where(key).values(**values))
        return True
    query = select(HOST.c.id).where(HOST.c.id == host_id)
    if connection.execute(query).first() is None:
        return False
    row = {"host_id": host_id, "type": kind, "since": now, **values}
    connection.execute(table.insert().values(row))
    return True


def forget(connection: Connection, host_id: int, kind: str) -> None:
    """Keep nothing of what was seen."""
    table = HOST_CONDITION
    connection.execute(
        delete(table).where(table.c.host_id == host_id, table.c.type == kind)
    )


def forget_silence(connection: Connection, host_id: int) -> None:
    """Keep nothing of a kubelet's silence: its host was away, too, and is heard again."""
    table = HOST_CONDITION
    connection.execute(
        delete(table).where(
            table.c.host_id == host_id,
            table.c.type == READY,
            table.c.status == Status.UNKNOWN.value,
        )
    )


def without_heard(connection: Connection) -> set[int]:
    """Return the ids of the hosts whose condition Heard does not say what `online` does:
    a release before wrote that alone."""
    table = HOST_CONDITION
    join = HOST.outerjoin(
        table, (table.c.host_id == HOST.c.id) & (table.c.type == HEARD)
    )
    is_heard = table.c.status == Status.TRUE.value
    query = (
        select(HOST.c.id)
        .select_from(join)
        .where(
            (HOST.c.online.is_(True) & (table.c.status.is_(None) | ~is_heard))
            | (HOST.c.online.is_(False) & is_heard)
        )
    )
    return set(connection.execute(query).scalars())


def put_ready(
    connection: Connection, host_id: int, *, is_ready: bool, reason: str, now: datetime
) -> None:
    """Note what Kubernetes says of a host's node; nothing for a host that is gone.

    :param reason: Kubernetes' own word.
    """
    status = Status.TRUE if is_ready else Status.FALSE
    seen = Seen(status=status, reason=reason, observer=KUBERNETES)
    put(connection, host_id, READY, seen, now=now)


def note_change(
    connection: Connection, host: Host, values: Mapping[str, object], *, now: datetime
) -> None:
    """Note what a change of a host says of its conditions, if anything.

    :param host: as it was before; who holds it is who saw what a run has established.
    :param values: what was written to it.
    """
    if "known_hosts" in values:
        forget_host_key(connection, host.id)
    observer = (host.reservation_owner or "").partition("/")[0]
    if values.get("provisioned_plan") is not None:
        seen = Seen(status=Status.TRUE, reason="Provisioned", observer=observer)
        put(connection, host.id, PROVISIONED, seen, now=now)
    elif values.get("state") == HostState.PROVISION_FAILED.value:
        seen = Seen(
            status=Status.FALSE,
            reason="ProvisionFailed",
            message=str(values.get("task") or ""),
            observer=observer,
        )
        put(connection, host.id, PROVISIONED, seen, now=now)
    if "online" in values:
        query = select(HEARTBEAT.c.gateway).where(HEARTBEAT.c.host_id == host.id)
        gateway = str(connection.execute(query).scalar() or "")
        is_off = bool(values.get("powered_off"))
        reason = "it was switched off" if is_off else ""
        seen = heard_or_not(bool(values["online"]), reason=reason, gateway=gateway)
        put(connection, host.id, HEARD, seen, now=now)


def put_host_key(
    connection: Connection,
    host_id: int,
    *,
    pinned: str | None,
    is_known: bool,
    observer: str,
    now: datetime,
) -> None:
    """Note whether a host showed the key that is pinned; nothing where the pin is another
    one by now, or the host is gone.

    :param pinned: what it was held to, as `known_hosts` of the host.
    :param observer: who saw it.
    """
    if pinned is None:
        return
    query = select(HOST.c.known_hosts).where(HOST.c.id == host_id).with_for_update()
    if connection.execute(query).scalar() != pinned:
        return
    if is_known:
        forget_host_key(connection, host_id)
        return
    seen = Seen(
        status=Status.FALSE,
        reason="Changed",
        message="it shows another SSH host key than is pinned",
        observer=observer,
    )
    put(connection, host_id, HOST_KEY_KNOWN, seen, now=now)


def forget_host_key(connection: Connection, host_id: int) -> None:
    """Keep nothing of the key that a host showed."""
    forget(connection, host_id, HOST_KEY_KNOWN)
