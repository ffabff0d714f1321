# SPDX-License-Identifier: Apache-2.0
"""Hosts: rows in, domain objects out. Every change is compare-and-set on generation."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from hummingbird.db.model import HOST
from hummingbird.db.repository import condition, host_address, host_taken
from hummingbird.domain.host import Host, task_text
from hummingbird.domain.host_machine import Event, next_state
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import Owner
from hummingbird.errors import (
    HostBusy,
    HostGenerationConflict,
    HostNotFound,
)

FIRST_ID = 1_000_000
"""Ids of hosts are above it: a sysinv beside which we stand, or may stand one day, counts
its own from 1 (decisions/0006)."""

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""

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
    further: Sequence[str] = (),
    known_hosts: str | None = None,
    now: datetime,
) -> Host:
    """Store a new host, state ADDED, generation 1, with its addresses.

    :param further: addresses beside `mgmt_ip`.
    :param known_hosts: its pinned keys, where somebody knows them before any contact.
    :raises HummingbirdError: somebody has one of its names or addresses; see host_taken.
    """
    bm_ip = attributes.get("bm_ip")
    addresses = [one for one in (mgmt_ip, *further) if one is not None]
    refuse = partial(
        host_taken.refuse_all,
        connection,
        hostname=hostname,
        mgmt_mac=mgmt_mac,
        addresses=addresses,
        bm_ip=bm_ip,
        underlay=underlay,
    )
    refuse()
    row = HOST.insert().values(
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
        known_hosts=known_hosts,
        created_at=now,
    )
    try:
        with connection.begin_nested():
            result = connection.execute(row)
            assert result.inserted_primary_key is not None
            (host_id,) = result.inserted_primary_key
            keep = host_address.keep_new
            keep(connection, host_id, hostname, addresses, bm_ip, now=now)
    except IntegrityError as error:
        # Somebody was faster since the look (PostgreSQL only); a second one says who.
        refuse()
        raise HostGenerationConflict(hostname=hostname) from error
    return get(connection, host_id)


def with_low_ids(connection: Connection) -> list[Host]:
    """Return the hosts that were added before ids began above FIRST_ID."""
    query = select(HOST).where(HOST.c.id <= FIRST_ID).order_by(HOST.c.id)
    return [_host(row) for row in connection.execute(query)]


def get(connection: Connection, host_id: int) -> Host:
    """Return the host with this integer id.

    :raises HostNotFound: there is none.
    """
    row = connection.execute(_BY_ID, {"wanted": host_id}).first()
    if row is None:
        raise HostNotFound(name=host_id)
    return _host(row)


def find(connection: Connection, name: str) -> Host:
    """Return the host that `name` means: an integer id, a uuid or a hostname.

    :raises HostNotFound: there is none.
    """
    query, wanted = _meaning(name)
    row = connection.execute(query, {"wanted": wanted}).first()
    if row is None:
        raise HostNotFound(name=name)
    return _host(row)


# Made once: to build one takes as long as to run it.
_BY_ID = select(HOST).where(HOST.c.id == bindparam("wanted"))
_BY_UUID = select(HOST).where(HOST.c.uuid == bindparam("wanted"))
_BY_NAME = select(HOST).where(HOST.c.hostname == bindparam("wanted"))


def _meaning(name: str) -> tuple[Select[Any], int | str]:
    if name.isascii() and name.isdigit() and len(name) < 10:
        return _BY_ID, int(name)
    try:
        return _BY_UUID, str(UUID(name))
    except ValueError:
        return _BY_NAME, name.lower()


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
    # The id alone where that is the key: databases find their way by one condition.
    key = (column,) if sort_key == "id" else (column, HOST.c.id)
    if after is not None:
        at = tuple_(*(getattr(after, one.name) for one in key))
        query = query.where(tuple_(*key) < at if descending else tuple_(*key) > at)
    order = [one.desc() for one in key] if descending else key
    query = query.order_by(*order)
    if limit:
        query = query.limit(limit)
    return [_host(row) for row in connection.execute(query).all()]


def among(connection: Connection, host_ids: Iterable[int]) -> list[Host]:
    """Return those of the hosts that there are, by id."""
    wanted = sorted(host_ids)
    found: list[Host] = []
    for start in range(0, len(wanted), CHUNK):
        some = HOST.c.id.in_(wanted[start : start + CHUNK])
        query = select(HOST).where(some).order_by(HOST.c.id)
        found += [_host(row) for row in connection.execute(query).all()]
    return found


def change(connection: Connection, host: Host, *, now: datetime, **values: Any) -> Host:
    """Write `values` to the host as it was read; return it as it is now.

    :raises HostGenerationConflict: somebody changed it meanwhile.
    :raises AddressTaken, AddressReserved, UnderlayTaken: `mgmt_ip`, `underlay` or the
        `bm_ip` in `attributes` is another's.
    """
    if {"mgmt_ip", "attributes"} & set(values):
        _hold(connection, host)
    if "mgmt_ip" in values:
        host_address.move_to(
            connection, host, values["mgmt_ip"], values.get("emn_id"), now=now
        )
    host_taken.refuse_taken_underlay(connection, values.get("underlay"), but=host.id)
    if "attributes" in values:
        host_address.keep_board(
            connection, host, values["attributes"].get("bm_ip"), now=now
        )
    if "task" in values and values["task"] is not None:
        values["task"] = task_text(values["task"])
    result = connection.execute(
        update(HOST)
        .where(HOST.c.id == host.id, HOST.c.generation == host.generation)
        .values(generation=host.generation + 1, updated_at=now, **values)
    )
    if result.rowcount != 1:
        raise HostGenerationConflict(hostname=host.hostname)
    condition.note_change(connection, host, values, now=now)
    return get(connection, host.id)


def find_held(connection: Connection, name: str) -> Host:
    """Return the host that `name` means, as it is until the transaction ends.

    :raises HostNotFound: there is none.
    """
    query, wanted = _meaning(name)
    held = query.with_for_update(key_share=True)
    row = connection.execute(held, {"wanted": wanted}).first()
    if row is None:
        raise HostNotFound(name=name)
    return _host(row)


def _hold(connection: Connection, host: Host) -> None:
    """Have others wait who would change or delete the host: its row is taken before its
    addresses', as a delete takes them, or two could wait for each other."""
    held = connection.execute(
        select(HOST.c.id)
        .where(HOST.c.id == host.id, HOST.c.generation == host.generation)
        .with_for_update()
    ).first()
    if held is None:
        raise HostGenerationConflict(hostname=host.hostname)


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


def note_kubelet(connection: Connection, host_id: int, *, version: str) -> None:
    """Set which kubelet the host runs; leaves the generation alone."""
    connection.execute(
        update(HOST).where(HOST.c.id == host_id).values(kubelet_version=version)
    )


def note_node(connection: Connection, host: Host | Owner, *, uid: str) -> bool:
    """Keep the uid of the host's node, unless somebody kept another one meanwhile; return
    whether it was kept. Leaves the generation alone."""
    is_same = HOST.c.node_uid.is_not_distinct_from(host.node_uid)
    result = connection.execute(
        update(HOST).where(HOST.c.id == host.id, is_same).values(node_uid=uid)
    )
    return result.rowcount == 1


def note_heard(
    connection: Connection,
    host_id: int,
    *,
    online: bool | None = None,
    boot_id: str | None = None,
    uptime_seconds: int | None = None,
) -> None:
    """Set what the heartbeats say; leaves the generation alone.

    :param online: whether it is heard; so it is not switched off. None: as it is.
    """
    values: dict[str, object] = {}
    if online is not None:
        values["online"] = online
    if online:
        values["powered_off"] = False
    if boot_id is not None:
        values["boot_id"] = boot_id
    if uptime_seconds is not None:
        values["uptime_seconds"] = uptime_seconds
    if values:
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
    query = select(func.count()).select_from(HOST)
    if emn_id is not None:
        query = query.where(HOST.c.emn_id == emn_id)
    if credential_id is not None:
        query = query.where(HOST.c.credential_id == credential_id)
    return connection.execute(query).scalar_one()
