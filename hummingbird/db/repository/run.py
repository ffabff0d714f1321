# SPDX-License-Identifier: Apache-2.0
"""Runs and their events: rows in, domain objects out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, exists, select, update

from hummingbird.db.model import HOST, RUN, RUN_EVENT
from hummingbird.domain.run import ENDED, Instruction, Run, RunEvent, RunKind, RunState
from hummingbird.errors import RunNotFound

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""

_ENDED = [state.value for state in ENDED]


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    step, boot_id, at, clock = (
        values.pop(f"instruction_{name}") for name in ("step", "boot_id", "at", "clock")
    )
    return Run(
        **{
            **values,
            "instruction": (
                None
                if step is None
                else Instruction(step=step, boot_id=boot_id, at=at, clock=clock)
            ),
            "kind": RunKind(values["kind"]),
            "state": RunState(values["state"]),
        }
    )


def create(
    connection: Connection,
    *,
    host_uuid: str,
    hostname: str,
    kind: RunKind,
    requested_by: str,
    now: datetime,
    rung: str | None = None,
) -> Run:
    """Store a new run, queued."""
    uuid = str(uuid4())
    connection.execute(
        RUN.insert().values(
            uuid=uuid,
            host_uuid=host_uuid,
            hostname=hostname,
            kind=kind.value,
            state=RunState.QUEUED.value,
            requested_by=requested_by,
            rung=rung,
            attempt=1,
            cancel_requested=False,
            queued_at=now,
        )
    )
    return find(connection, uuid)


def find(connection: Connection, name: str) -> Run:
    """Return the run that `name` means: an integer id, a uuid or a hostname (its last).

    :raises RunNotFound: there is none.
    """
    query: Select[Any] = select(RUN)
    if name.isascii() and name.isdigit() and len(name) < 10:
        query = query.where(RUN.c.id == int(name))
    else:
        try:
            query = query.where(RUN.c.uuid == str(UUID(name)))
        except ValueError:
            query = query.where(RUN.c.hostname == name)
    row = connection.execute(query.order_by(RUN.c.id.desc()).limit(1)).first()
    if row is None:
        raise RunNotFound(name=name)
    return _run(row)


def list_all(
    connection: Connection,
    *,
    host_uuid: str | None = None,
    hostname: str | None = None,
    kind: RunKind | None = None,
    states: Sequence[RunState] | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    before_id: int | None = None,
) -> list[Run]:
    """Return runs, the latest first."""
    query: Select[Any] = select(RUN).order_by(RUN.c.id.desc())
    if host_uuid is not None:
        query = query.where(RUN.c.host_uuid == host_uuid)
    if hostname is not None:
        query = query.where(RUN.c.hostname == hostname)
    if kind is not None:
        query = query.where(RUN.c.kind == kind.value)
    if states is not None:
        query = query.where(RUN.c.state.in_([state.value for state in states]))
    if since is not None:
        query = query.where(RUN.c.queued_at >= since)
    if before_id is not None:
        query = query.where(RUN.c.id < before_id)
    if limit:
        query = query.limit(limit)
    return [_run(row) for row in connection.execute(query)]


def next_queued(connection: Connection, *, after_id: int = 0, limit: int) -> list[Run]:
    """Return queued runs that may begin, in the order in which they were asked for: of each
    host the first that is queued, if nothing is being done to it.

    :param after_id: only those that were asked for after this one.
    """
    earlier = RUN.alias("earlier")
    is_first = ~exists().where(
        earlier.c.host_uuid == RUN.c.host_uuid,
        earlier.c.state == RunState.QUEUED.value,
        earlier.c.id < RUN.c.id,
    )
    is_busy = exists().where(
        HOST.c.uuid == RUN.c.host_uuid, HOST.c.reservation_owner.is_not(None)
    )
    query = (
        select(RUN)
        .where(
            RUN.c.state == RunState.QUEUED.value,
            RUN.c.id > after_id,
            is_first,
            ~is_busy,
        )
        .order_by(RUN.c.id)
        .limit(limit)
    )
    return [_run(row) for row in connection.execute(query)]


def of_hosts(
    connection: Connection,
    host_uuids: Iterable[str],
    *,
    kind: RunKind,
    since: datetime,
) -> list[Run]:
    """Return the runs of one kind of these hosts, the latest first of each."""
    wanted = sorted(host_uuids)
    found: list[Run] = []
    for start in range(0, len(wanted), CHUNK):
        query = select(RUN).where(
            RUN.c.host_uuid.in_(wanted[start : start + CHUNK]),
            RUN.c.kind == kind.value,
            RUN.c.queued_at >= since,
        )
        rows = connection.execute(query.order_by(RUN.c.id.desc()))
        found += [_run(row) for row in rows]
    return found


def claim(connection: Connection, run: Run, *, owner: str, now: datetime) -> bool:
    """Take a queued run; return False if another conductor was faster."""
    result = connection.execute(
        update(RUN)
        .where(RUN.c.id == run.id, RUN.c.state == RunState.QUEUED.value)
        .values(
            state=RunState.RUNNING.value,
            owner=owner,
            started_at=run.started_at or now,
        )
    )
    return result.rowcount == 1


def held(connection: Connection, run_id: int, *, owner: str) -> bool:
    """Return whether `owner` still works on the run; on PostgreSQL the row is locked,
    so that it stays so until the transaction ends."""
    query = select(RUN.c.id).where(
        RUN.c.id == run_id,
        RUN.c.state == RunState.RUNNING.value,
        RUN.c.owner == owner,
    )
    return connection.execute(query.with_for_update()).first() is not None


def requeue(connection: Connection, run: Run, *, died: bool = True) -> bool:
    """Put a conductor's run back; return False if it was not running any more.

    :param died: its conductor did not say goodbye; such takeovers are counted.
    """
    result = connection.execute(
        update(RUN)
        .where(
            RUN.c.id == run.id,
            RUN.c.state == RunState.RUNNING.value,
            RUN.c.owner == run.owner,
        )
        .values(state=RunState.QUEUED.value, owner=None, attempt=run.attempt + died)
    )
    return result.rowcount == 1


def finish(
    connection: Connection,
    run: Run,
    *,
    state: RunState,
    now: datetime,
    error_code: str | None = None,
    error: str | None = None,
    changed: int | None = None,
) -> bool:
    """End the run; return False if it had ended before."""
    values: dict[str, Any] = {
        "state": state.value,
        "ended_at": now,
        "owner": None,
        "error_code": error_code,
        "error": error,
    }
    if changed is not None:
        values["changed"] = changed
    result = connection.execute(
        update(RUN)
        .where(RUN.c.id == run.id, RUN.c.state.not_in(_ENDED))
        .values(**values)
    )
    return result.rowcount == 1


def note_step(
    connection: Connection, run_id: int, *, step: str | None, changed: int | None = None
) -> None:
    """Set which step is running and, if given, how many tasks have changed the host."""
    values: dict[str, Any] = {"current_step": step}
    if changed is not None:
        values["changed"] = changed
    connection.execute(update(RUN).where(RUN.c.id == run_id).values(**values))


def note_instruction(
    connection: Connection, run_id: int, instruction: Instruction
) -> None:
    """Write down that a step which must not be done twice is about to be done."""
    connection.execute(
        update(RUN)
        .where(RUN.c.id == run_id)
        .values(
            instruction_step=instruction.step,
            instruction_boot_id=instruction.boot_id,
            instruction_at=instruction.at,
            instruction_clock=instruction.clock,
        )
    )


def request_cancel(connection: Connection, *, host_uuid: str) -> int:
    """Ask the host's unfinished runs to stop; return how many there were."""
    return connection.execute(
        update(RUN)
        .where(RUN.c.host_uuid == host_uuid, RUN.c.state.not_in(_ENDED))
        .values(cancel_requested=True)
    ).rowcount


def cancel_requested(connection: Connection, run_id: int) -> bool:
    """Return whether somebody asked this run to stop."""
    query = select(RUN.c.cancel_requested).where(RUN.c.id == run_id)
    return bool(connection.execute(query).scalar())


def add_event(
    connection: Connection,
    run_id: int,
    *,
    at: datetime,
    step: str,
    state: str,
    message: str = "",
    task: str | None = None,
    duration_seconds: float | None = None,
) -> None:
    """Append one event to the run."""
    connection.execute(
        RUN_EVENT.insert().values(
            run_id=run_id,
            at=at,
            step=step,
            state=state,
            task=None if task is None else task[:255],
            message=message,
            duration_seconds=duration_seconds,
        )
    )


def events(
    connection: Connection, run_id: int, *, after_id: int = 0, limit: int | None = None
) -> list[RunEvent]:
    """Return the run's events with an id above `after_id`, in order."""
    query = (
        select(RUN_EVENT)
        .where(RUN_EVENT.c.run_id == run_id, RUN_EVENT.c.id > after_id)
        .order_by(RUN_EVENT.c.id)
    )
    if limit:
        query = query.limit(limit)
    return [RunEvent(**row._mapping) for row in connection.execute(query)]
