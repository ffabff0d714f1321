# SPDX-License-Identifier: Apache-2.0
"""Hosts: rows in, domain objects out. Every change is compare-and-set on generation."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, delete, false, select, update
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import HOST
from hummingbird.domain.host import Host, task_text
from hummingbird.domain.host_machine import Event, next_state
from hummingbird.domain.host_state import HostState
from hummingbird.errors import (
    AddressTaken,
    HostBusy,
    HostGenerationConflict,
    HostnameTaken,
    HostNotFound,
    MacTaken,
    UnderlayTaken,
)

FIRST_ID = 1_000_000
"""Ids of hosts are above it: a sysinv beside which we stand, or may stand one day, counts
its own from 1 (decisions/0006)."""

_COLUMNS = tuple(column.name for column in HOST.columns)
_STATES = {state.value: state for state in HostState}
assert set(_COLUMNS) == set(Host.__dataclass_fields__)


def _host(row: Row[Any]) -> Host:
    # Filled as a whole: a frozen dataclass sets its fields one by one, and for a list of
    # a thousand hosts that takes longer than the query.
    host = object.__new__(Host)
    values = host.__dict__
    values.update(zip(_COLUMNS, row, strict=True))
    values["state"] = _STATES[values["state"]]
    return host


def create(
    connection: Connection,
    *,
    hostname: str,
    mgmt_mac: str,
    mgmt_ip: str | None,
    underlay: str | None = None,
    emn_id: int | None,
    credential_id: int | None,
    serialid: str | None,
    location: Mapping[str, object],
    capabilities: Mapping[str, object],
    attributes: Mapping[str, object],
    now: datetime,
) -> Host:
    """Store a new host, state ADDED, generation 1.

    :raises HostnameTaken, MacTaken, AddressTaken, UnderlayTaken: another host has it.
    """
    refuse_taken(connection, hostname=hostname, mgmt_mac=mgmt_mac, mgmt_ip=mgmt_ip)
    _refuse_taken_underlay(connection, underlay)
    try:
        with connection.begin_nested():
            result = connection.execute(
                HOST.insert().values(
                    uuid=str(uuid4()),
                    hostname=hostname,
                    mgmt_mac=mgmt_mac,
                    mgmt_ip=mgmt_ip,
                    underlay=underlay,
                    emn_id=emn_id,
                    credential_id=credential_id,
                    state=HostState.ADDED.value,
                    state_since=now,
                    generation=1,
                    serialid=serialid,
                    location=dict(location),
                    capabilities=dict(capabilities),
                    attributes=dict(attributes),
                    created_at=now,
                )
            )
    except IntegrityError as error:
        # Somebody was faster between the look and the write (PostgreSQL only: SQLite's
        # writers queue); the second look says who.
        refuse_taken(connection, hostname=hostname, mgmt_mac=mgmt_mac, mgmt_ip=mgmt_ip)
        raise HostGenerationConflict(hostname=hostname) from error
    inserted = result.inserted_primary_key
    assert inserted is not None
    return get(connection, inserted[0])


def refuse_taken(
    connection: Connection, *, hostname: str, mgmt_mac: str, mgmt_ip: str | None
) -> None:
    """See that no host has one of these names.

    :raises HostnameTaken, MacTaken, AddressTaken: another host has it.
    """
    # One query, so that all is seen at one instant: with three, a host that is added
    # in between would be refused for a reason that depends on the moment.
    holders = connection.execute(
        select(HOST.c.hostname, HOST.c.mgmt_mac, HOST.c.mgmt_ip).where(
            (HOST.c.hostname == hostname)
            | (HOST.c.mgmt_mac == mgmt_mac)
            | (HOST.c.mgmt_ip == mgmt_ip if mgmt_ip is not None else false())
        )
    ).all()
    if any(holder.hostname == hostname for holder in holders):
        raise HostnameTaken(hostname=hostname)
    if any(holder.mgmt_mac == mgmt_mac for holder in holders):
        raise MacTaken(mac=mgmt_mac)
    for holder in holders:
        raise AddressTaken(address=mgmt_ip, holder=holder.hostname)


def _refuse_taken_address(
    connection: Connection, *, mgmt_ip: str, but: int | None = None
) -> None:
    holder = connection.execute(
        select(HOST.c.id, HOST.c.hostname).where(HOST.c.mgmt_ip == mgmt_ip)
    ).first()
    if holder is not None and holder.id != but:
        raise AddressTaken(address=mgmt_ip, holder=holder.hostname)


def _refuse_taken_underlay(
    connection: Connection, underlay: str | None, *, but: int | None = None
) -> None:
    if underlay is None:
        return
    holder = connection.execute(
        select(HOST.c.id, HOST.c.hostname).where(HOST.c.underlay == underlay)
    ).first()
    if holder is not None and holder.id != but:
        raise UnderlayTaken(address=underlay, holder=holder.hostname)


def with_low_ids(connection: Connection) -> list[Host]:
    """Return the hosts that were added before ids began above FIRST_ID."""
    query = select(HOST).where(HOST.c.id <= FIRST_ID).order_by(HOST.c.id)
    return [_host(row) for row in connection.execute(query)]


def get(connection: Connection, host_id: int) -> Host:
    """Return the host with this integer id.

    :raises HostNotFound: there is none.
    """
    row = connection.execute(select(HOST).where(HOST.c.id == host_id)).first()
    if row is None:
        raise HostNotFound(name=host_id)
    return _host(row)


def find(connection: Connection, name: str) -> Host:
    """Return the host that `name` means: an integer id, a uuid or a hostname.

    :raises HostNotFound: there is none.
    """
    row = connection.execute(select(HOST).where(_means(name))).first()
    if row is None:
        raise HostNotFound(name=name)
    return _host(row)


def _means(name: str) -> Any:
    if name.isascii() and name.isdigit() and len(name) < 10:
        return HOST.c.id == int(name)
    try:
        return HOST.c.uuid == str(UUID(name))
    except ValueError:
        return HOST.c.hostname == name.lower()


def list_all(
    connection: Connection,
    *,
    sort_key: str = "id",
    descending: bool = False,
    limit: int | None = None,
    after: Host | None = None,
    states: Iterable[HostState] | None = None,
) -> list[Host]:
    """Return hosts in the order of `sort_key`, then id.

    :param sort_key: a column's name; the caller has checked it.
    :param after: the last host of the page before.
    """
    column = HOST.c[sort_key]
    query: Select[Any] = select(HOST)
    if states is not None:
        query = query.where(HOST.c.state.in_([state.value for state in states]))
    if after is not None:
        value = getattr(after, sort_key)
        beyond = column < value if descending else column > value
        further = HOST.c.id < after.id if descending else HOST.c.id > after.id
        query = query.where(beyond | ((column == value) & further))
    order = (column.desc(), HOST.c.id.desc()) if descending else (column, HOST.c.id)
    query = query.order_by(*order)
    if limit:
        query = query.limit(limit)
    return [_host(row) for row in connection.execute(query).all()]


def change(connection: Connection, host: Host, *, now: datetime, **values: Any) -> Host:
    """Write `values` to the host as it was read; return it as it is now.

    :raises HostGenerationConflict: somebody changed it meanwhile.
    :raises AddressTaken, UnderlayTaken: `mgmt_ip` or `underlay` is another host's.
    """
    if values.get("mgmt_ip") is not None:
        _refuse_taken_address(connection, mgmt_ip=values["mgmt_ip"], but=host.id)
    _refuse_taken_underlay(connection, values.get("underlay"), but=host.id)
    if "task" in values and values["task"] is not None:
        values["task"] = task_text(values["task"])
    result = connection.execute(
        update(HOST)
        .where(HOST.c.id == host.id, HOST.c.generation == host.generation)
        .values(generation=host.generation + 1, updated_at=now, **values)
    )
    if result.rowcount != 1:
        raise HostGenerationConflict(hostname=host.hostname)
    return get(connection, host.id)


def move(
    connection: Connection, host: Host, event: Event, *, now: datetime, **values: Any
) -> Host:
    """Take the host through the state machine; the one door for a change of state.

    :raises TransitionRefused: `event` can't happen in its state.
    :raises HostGenerationConflict: somebody changed it meanwhile.
    """
    to = next_state(host.state, event, hostname=host.hostname)
    return change(connection, host, now=now, state=to.value, state_since=now, **values)


def note_task(
    connection: Connection,
    host_id: int,
    *,
    task: str | None,
    progress: str | None = None,
    now: datetime,
) -> None:
    """Set the live text of the running step; not a change of what is wanted, so it
    leaves the generation alone and never conflicts."""
    text = None if task is None else task_text(task)
    connection.execute(
        update(HOST)
        .where(HOST.c.id == host_id)
        .values(task=text, progress=progress, updated_at=now)
    )


def note_target_plan(connection: Connection, host_id: int, *, digest: str) -> None:
    """Set what would be put on the host now; leaves the generation alone."""
    connection.execute(
        update(HOST).where(HOST.c.id == host_id).values(target_plan=digest)
    )


def note_heard(
    connection: Connection,
    host_id: int,
    *,
    online: bool,
    boot_id: str | None = None,
    uptime_seconds: int | None = None,
) -> None:
    """Set what the heartbeats say; leaves the generation alone.

    :param online: whether it is heard; so it is not switched off.
    """
    values: dict[str, object] = {"online": online}
    if online:
        values["powered_off"] = False
    if boot_id is not None:
        values["boot_id"] = boot_id
    if uptime_seconds is not None:
        values["uptime_seconds"] = uptime_seconds
    connection.execute(update(HOST).where(HOST.c.id == host_id).values(**values))


def reserve(
    connection: Connection, host: Host, *, owner: str, purpose: str, now: datetime
) -> Host:
    """Take the host for one piece of work.

    :raises HostBusy: somebody else has it.
    """
    result = connection.execute(
        update(HOST)
        .where(
            HOST.c.id == host.id,
            HOST.c.reservation_owner.is_(None) | (HOST.c.reservation_owner == owner),
        )
        .values(reservation_owner=owner, reservation_purpose=purpose, reserved_at=now)
    )
    if result.rowcount != 1:
        held = get(connection, host.id)
        raise HostBusy(hostname=host.hostname, purpose=held.reservation_purpose)
    return get(connection, host.id)


def release(connection: Connection, host_id: int, *, owner: str) -> None:
    """Give the host back, if `owner` has it."""
    connection.execute(
        update(HOST)
        .where(HOST.c.id == host_id, HOST.c.reservation_owner == owner)
        .values(reservation_owner=None, reservation_purpose=None, reserved_at=None)
    )


def release_all(connection: Connection, *, owner: str) -> int:
    """Give back everything that `owner` holds; return how many hosts that was."""
    return connection.execute(
        update(HOST)
        .where(HOST.c.reservation_owner == owner)
        .values(reservation_owner=None, reservation_purpose=None, reserved_at=None)
    ).rowcount


def reserved(connection: Connection) -> list[Host]:
    """Return the hosts that somebody has taken for a piece of work, by id."""
    query = select(HOST).where(HOST.c.reservation_owner.is_not(None))
    return [_host(row) for row in connection.execute(query.order_by(HOST.c.id))]


def remove(connection: Connection, host_id: int) -> None:
    """Delete the host with all that hangs on it; its runs and events stay."""
    connection.execute(delete(HOST).where(HOST.c.id == host_id))


def using(
    connection: Connection,
    *,
    emn_id: int | None = None,
    credential_id: int | None = None,
) -> int:
    """Return how many hosts refer to this EMN or credential."""
    query = select(HOST.c.id)
    if emn_id is not None:
        query = query.where(HOST.c.emn_id == emn_id)
    if credential_id is not None:
        query = query.where(HOST.c.credential_id == credential_id)
    return len(connection.execute(query).all())
