# SPDX-License-Identifier: Apache-2.0
"""What the sysinv-agents said: the inventory of each host, in sections.

A change writes the sections that changed, the items in them that came or went, and a row
of history for each difference; it reads no other section's content, and no other host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from hummingbird.db.model import FACTS, FACTS_ITEM, FACTS_SECTION, HOST
from hummingbird.db.repository import history
from hummingbird.domain.facts import Facts, Section, completed, differences, uuids
from hummingbird.errors import FactsBaseUnknown, HostNotFound, ReportInvalid
from hummingbird.printable import plain_content
from hummingbird.wire.inventory import Change, Taken, content_hash, section_hash

CHUNK = 500
"""Ids in one query; databases bound the number of parameters."""
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)


def take(
    connection: Connection,
    *,
    host_id: int,
    change: Change,
    now: datetime,
    history_most: int,
) -> Taken:
    """Store a change, unless it is known; return where the host's inventory is now.

    :param history_most: rows of history that are kept of a host.
    :raises HostNotFound: there is no such host any more.
    :raises FactsBaseUnknown: it builds on an inventory that is not the one we have.
    :raises ReportInvalid: its hash is not that of what it makes.
    """
    uuid = _locked(connection, host_id)
    known = of_host(connection, host_id)
    if (
        known is not None
        and known.stream == change["stream"]
        and change["sequence"] <= known.sequence
    ):
        _confirm(connection, host_id, now=now)
        return Taken(
            stream=change["stream"], sequence=known.sequence, hash=known.content_hash
        )
    is_delta = change["kind"] == "delta"
    if is_delta and (known is None or known.content_hash != change["base"]):
        raise FactsBaseUnknown()
    before = _hashes(connection, host_id)
    said = {name: section_hash(body) for name, body in change["sections"].items()}
    after = {**before, **said} if is_delta else said
    if content_hash(after) != change["hash"]:
        raise ReportInvalid(message="the inventory is not what its hash says")
    _store(
        connection,
        _Step(
            host_id=host_id,
            uuid=uuid,
            now=now,
            seen_at=_seen_at(change, now=now),
            tells_more=known is not None and known.stream is None,
        ),
        # Before they are compared with what is stored, which is so, too.
        sections=plain_content(change["sections"]),
        before=before,
        after=after,
        history_most=history_most,
    )
    _note(
        connection,
        host_id,
        now=now,
        content_hash=change["hash"],
        stream=change["stream"],
        sequence=change["sequence"],
    )
    return Taken(
        stream=change["stream"], sequence=change["sequence"], hash=change["hash"]
    )


def take_report(
    connection: Connection,
    *,
    host_id: int,
    report_hash: str,
    sections: Mapping[str, Any],
    now: datetime,
    history_most: int,
) -> bool:
    """Store a report of version 1; return whether it differs from the one before.

    :raises HostNotFound: there is no such host any more.
    """
    uuid = _locked(connection, host_id)
    known = of_host(connection, host_id)
    if known is not None and known.content_hash == report_hash:
        _confirm(connection, host_id, now=now)
        return False
    whole = completed(sections)
    _store(
        connection,
        _Step(host_id=host_id, uuid=uuid, now=now, seen_at=now),
        sections=plain_content(whole),
        before=_hashes(connection, host_id),
        after={name: section_hash(body) for name, body in whole.items()},
        history_most=history_most,
    )
    _note(
        connection, host_id, now=now, content_hash=report_hash, stream=None, sequence=0
    )
    return True


def confirm(connection: Connection, hosts: Mapping[int, datetime]) -> None:
    """Note when hosts last said that nothing has changed."""
    # In one order everywhere, so that two gateways never wait for each other.
    for host_id, at in sorted(hosts.items()):
        _confirm(connection, host_id, now=at)


def of_host(connection: Connection, host_id: int) -> Facts | None:
    """Return where the inventory of a host is, or None if there is none."""
    row = connection.execute(select(FACTS).where(FACTS.c.host_id == host_id)).first()
    return None if row is None else Facts(**row._mapping)


def sections(connection: Connection, host_id: int, *names: str) -> dict[str, Section]:
    """Return a host's sections by name: these, or all."""
    query = select(FACTS_SECTION).where(FACTS_SECTION.c.host_id == host_id)
    if names:
        query = query.where(FACTS_SECTION.c.name.in_(names))
    found: dict[str, Section] = {}
    for row in connection.execute(query.order_by(FACTS_SECTION.c.name)):
        found[row.name] = Section(
            name=row.name,
            content_hash=row.content_hash,
            body=row.body,
            changed_at=row.changed_at,
        )
    return found


def hosts_with(connection: Connection, name: str) -> list[tuple[int, Section]]:
    """Return the section `name` of every host that has one, by host id."""
    query = (
        select(FACTS_SECTION)
        .where(FACTS_SECTION.c.name == name)
        .order_by(FACTS_SECTION.c.host_id)
    )
    return [
        (
            row.host_id,
            Section(
                name=row.name,
                content_hash=row.content_hash,
                body=row.body,
                changed_at=row.changed_at,
            ),
        )
        for row in connection.execute(query)
    ]


def interfaces(
    connection: Connection, host_ids: Iterable[int]
) -> dict[int, tuple[str, Any]]:
    """Return uuid and section `interfaces` of those of the hosts that told it, by id."""
    wanted = sorted(host_ids)
    found: dict[int, tuple[str, Any]] = {}
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(FACTS_SECTION.c.host_id, HOST.c.uuid, FACTS_SECTION.c.body)
            .join(HOST, HOST.c.id == FACTS_SECTION.c.host_id)
            .where(
                FACTS_SECTION.c.name == "interfaces",
                FACTS_SECTION.c.host_id.in_(wanted[start : start + CHUNK]),
            )
        )
        found |= {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    return found


def host_of_item(connection: Connection, uuid: str, *, section: str) -> int | None:
    """Return the id of the host that has this item in this section, or None."""
    found: int | None = connection.execute(
        select(FACTS_ITEM.c.host_id).where(
            FACTS_ITEM.c.uuid == uuid, FACTS_ITEM.c.section == section
        )
    ).scalar()
    return found


def hosts_known(connection: Connection, host_ids: Iterable[int]) -> set[int]:
    """Return those of the hosts whose inventory is known."""
    wanted = list(host_ids)
    found: set[int] = set()
    for start in range(0, len(wanted), CHUNK):
        some = FACTS.c.host_id.in_(wanted[start : start + CHUNK])
        # One that a migration brought over has no hash: it is wanted anew.
        query = select(FACTS.c.host_id).where(some, FACTS.c.content_hash != "")
        found |= set(connection.execute(query).scalars())
    return found


@dataclass(frozen=True, kw_only=True)
class _Step:
    """Whose change, and when."""

    host_id: int
    uuid: str
    now: datetime
    seen_at: datetime
    tells_more: bool = False
    """What is there for the first time was there before: a newer agent tells it."""


def _locked(connection: Connection, host_id: int) -> str:
    """Return the host's uuid; until the end, nobody else takes a change of it."""
    query = select(HOST.c.uuid, HOST.c.inventoried).where(HOST.c.id == host_id)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise HostNotFound(name=host_id)
    if not row.inventoried:
        connection.execute(
            update(HOST).where(HOST.c.id == host_id).values(inventoried=True)
        )
    return str(row.uuid)


def _seen_at(change: Change, *, now: datetime) -> datetime:
    """Return when the host saw it, by our clock: its own may be wrong, but tells how
    old the change is."""
    age = timedelta(milliseconds=max(0, change["sent_at"] - change["seen_at"]))
    return max(now - age, _OLDEST) if age < now - _OLDEST else _OLDEST


def _hashes(connection: Connection, host_id: int) -> dict[str, str]:
    query = select(FACTS_SECTION.c.name, FACTS_SECTION.c.content_hash)
    rows = connection.execute(query.where(FACTS_SECTION.c.host_id == host_id))
    return {name: hashed for name, hashed in rows.all()}


def _store(
    connection: Connection,
    step: _Step,
    *,
    sections: Mapping[str, Any],
    before: Mapping[str, str],
    after: Mapping[str, str],
    history_most: int,
) -> None:
    changed = [name for name in sections if before.get(name) != after[name]]
    former = _bodies(connection, step.host_id, [n for n in changed if n in before])
    found = []
    for name in changed:
        body = sections[name]
        found += [
            one
            for one in differences(name, former.get(name), body)
            if not (step.tells_more and one.is_more)
        ]
        values = {"content_hash": after[name], "body": body, "changed_at": step.now}
        if name in before:
            connection.execute(
                update(FACTS_SECTION).where(*_is(step.host_id, name)).values(**values)
            )
        else:
            connection.execute(
                FACTS_SECTION.insert().values(host_id=step.host_id, name=name, **values)
            )
        _index(connection, step, name, uuids(step.uuid, name, body))
    for name in before.keys() - after.keys():
        connection.execute(delete(FACTS_SECTION).where(*_is(step.host_id, name)))
        _index(connection, step, name, set())
    history.append(
        connection,
        host_id=step.host_id,
        found=found,
        seen_at=step.seen_at,
        now=step.now,
        most=history_most,
    )


def _is(host_id: int, name: str) -> tuple[Any, Any]:
    return FACTS_SECTION.c.host_id == host_id, FACTS_SECTION.c.name == name


def _bodies(connection: Connection, host_id: int, names: list[str]) -> dict[str, Any]:
    if not names:
        return {}
    query = select(FACTS_SECTION.c.name, FACTS_SECTION.c.body).where(
        FACTS_SECTION.c.host_id == host_id, FACTS_SECTION.c.name.in_(names)
    )
    return {name: body for name, body in connection.execute(query).all()}


def _index(connection: Connection, step: _Step, name: str, wanted: set[str]) -> None:
    """Have exactly the items `wanted` of a section findable by their uuids."""
    query = select(FACTS_ITEM.c.uuid).where(
        FACTS_ITEM.c.host_id == step.host_id, FACTS_ITEM.c.section == name
    )
    present = set(connection.execute(query).scalars())
    gone, new = sorted(present - wanted), sorted(wanted - present)
    for start in range(0, len(gone), CHUNK):
        some = FACTS_ITEM.c.uuid.in_(gone[start : start + CHUNK])
        connection.execute(delete(FACTS_ITEM).where(some))
    if new:
        rows = [
            {"uuid": uuid, "host_id": step.host_id, "section": name} for uuid in new
        ]
        connection.execute(FACTS_ITEM.insert(), rows)


def _note(
    connection: Connection,
    host_id: int,
    *,
    now: datetime,
    content_hash: str,
    stream: str | None,
    sequence: int,
) -> None:
    values = {
        "content_hash": content_hash,
        "stream": stream,
        "sequence": sequence,
        "reported_at": now,
        "changed_at": now,
    }
    known = connection.execute(
        update(FACTS).where(FACTS.c.host_id == host_id).values(**values)
    )
    if known.rowcount == 0:
        connection.execute(FACTS.insert().values(host_id=host_id, **values))


def _confirm(connection: Connection, host_id: int, *, now: datetime) -> None:
    connection.execute(
        update(FACTS)
        .where(FACTS.c.host_id == host_id, FACTS.c.reported_at < now)
        .values(reported_at=now)
    )
