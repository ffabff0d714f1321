# SPDX-License-Identifier: Apache-2.0
"""Which hosts somebody must look at now; the others are as they were concluded to be.

Two things say so. Whatever is written that a verdict or an alarm hangs on leaves a row of
news (db/trigger.py). And the listening clock goes on: hosts become due, are heard again,
or are silent for so long that it means more than before; each is found by an index. Whoever
asks decides; here is only left out what no decision would change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    Connection,
    Float,
    bindparam,
    delete,
    false,
    func,
    select,
    true,
    union_all,
)

from hummingbird.db.model import ATTENTION, EMN, HEARTBEAT, HOST, VERDICT
from hummingbird.domain.host_state import WATCHED
from hummingbird.domain.liveness import SILENT
from hummingbird.domain.verdict import Count

NEWS_MOST: Final = 10_000
"""Where there are more rows of news, everything is looked at."""
CHUNK: Final = 500
"""Ids in one query; databases bound the number of parameters."""

_WATCHED: Final = sorted(state.value for state in WATCHED)
_SILENT: Final = sorted(one.value for one in SILENT)


@dataclass(frozen=True, kw_only=True)
class News:
    """What has changed since somebody looked."""

    everything: bool = False
    hosts: frozenset[int] = frozenset()
    networks: frozenset[int] = frozenset()
    """Ids of those that hosts of the news were in until then."""
    subjects: frozenset[str] = frozenset()
    """Entities of alarms."""

    def __bool__(self) -> bool:
        return bool(self.everything or self.hosts or self.networks or self.subjects)

    def __or__(self, other: "News") -> "News":
        return News(
            everything=self.everything or other.everything,
            hosts=self.hosts | other.hosts,
            networks=self.networks | other.networks,
            subjects=self.subjects | other.subjects,
        )


def is_there_news(connection: Connection) -> bool:
    """Return whether anything has changed."""
    return connection.execute(_ANY).first() is not None


_ANY: Final = select(ATTENTION.c.id).limit(1)


def take_news(connection: Connection) -> News:
    """Return what has changed, and forget it with the transaction's end."""
    rows = connection.execute(
        select(ATTENTION).order_by(ATTENTION.c.id).limit(NEWS_MOST)
    ).all()
    if not rows:
        return News()
    if len(rows) == NEWS_MOST:
        connection.execute(delete(ATTENTION))
        return News(everything=True)
    # By their ids: a row with a lower one may yet be on its way.
    ids = [row.id for row in rows]
    for start in range(0, len(ids), CHUNK):
        some = ATTENTION.c.id.in_(ids[start : start + CHUNK])
        connection.execute(delete(ATTENTION).where(some))
    return News(
        everything=any(
            row.host_id is None and row.emn_id is None and row.subject is None
            for row in rows
        ),
        hosts=frozenset(row.host_id for row in rows if row.host_id is not None),
        networks=frozenset(row.emn_id for row in rows if row.emn_id is not None),
        subjects=frozenset(row.subject for row in rows if row.subject is not None),
    )


def due(connection: Connection, *, through: float) -> set[int]:
    """Return the ids of the hosts whose verdict may be another by now for what was heard, or
    was not.

    :param through: all that was heard up to then is known, on the listening clock.
    """
    return set(connection.execute(_DUE, {"through": through}).scalars())


_THROUGH: Final = bindparam("through", type_=Float())
_IS_NEW: Final = HEARTBEAT.c.settled == false()
_DUE: Final = union_all(
    select(HEARTBEAT.c.host_id).where(_IS_NEW, HEARTBEAT.c.due_seconds <= _THROUGH),
    # It is not known when: a gateway of a release before heard it.
    select(HEARTBEAT.c.host_id).where(_IS_NEW, HEARTBEAT.c.due_seconds.is_(None)),
    select(HEARTBEAT.c.host_id).where(
        HEARTBEAT.c.settled == true(), HEARTBEAT.c.due_seconds > _THROUGH
    ),
    select(VERDICT.c.host_id).where(VERDICT.c.look_seconds <= _THROUGH),
)
"""Made once: to build it takes longer than to run it where nothing is due."""


def sites(
    connection: Connection, *, hosts: Iterable[int], networks: Iterable[int]
) -> set[str]:
    """Return the sites of these hosts and networks; "" has the hosts of no network."""
    found: set[str] = set()
    wanted = sorted(hosts)
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(func.coalesce(EMN.c.site, ""))
            .select_from(HOST.outerjoin(EMN, EMN.c.id == HOST.c.emn_id))
            .where(HOST.c.id.in_(wanted[start : start + CHUNK]))
        )
        found.update(connection.execute(query.distinct()).scalars())
    some = EMN.c.id.in_(list(networks))
    found.update(connection.execute(select(EMN.c.site).where(some)).scalars())
    return found


def counts(connection: Connection, wanted: Iterable[str]) -> Mapping[str, Count]:
    """Return how many watched hosts each of these sites has, and of how many it was
    concluded that they are silent."""
    found: dict[str, Count] = {}
    for site in wanted:
        of_site = (
            HOST.c.emn_id.is_(None)
            if site == ""
            else HOST.c.emn_id.in_(select(EMN.c.id).where(EMN.c.site == site))
        )
        is_watched = of_site & HOST.c.state.in_(_WATCHED)
        watched = select(func.count()).select_from(HOST).where(is_watched)
        silent = (
            select(func.count())
            .select_from(VERDICT.join(HOST, HOST.c.id == VERDICT.c.host_id))
            .where(VERDICT.c.liveness.in_(_SILENT), is_watched)
        )
        found[site] = Count(
            silent=connection.execute(silent).scalar_one(),
            watched=connection.execute(watched).scalar_one(),
        )
    return found


def silent_of_sites(connection: Connection, wanted: Iterable[str]) -> set[int]:
    """Return the ids of the hosts of these sites of which something was concluded."""
    names = list(wanted)
    is_outside = HOST.c.emn_id.is_(None) if "" in names else false()
    query = (
        select(VERDICT.c.host_id)
        .join(HOST, HOST.c.id == VERDICT.c.host_id)
        .outerjoin(EMN, EMN.c.id == HOST.c.emn_id)
        .where(EMN.c.site.in_(names) | is_outside)
    )
    return set(connection.execute(query).scalars())


def of_networks(connection: Connection, emn_ids: Iterable[int]) -> set[int]:
    """Return the ids of the hosts of these networks."""
    query = select(HOST.c.id).where(HOST.c.emn_id.in_(list(emn_ids)))
    return set(connection.execute(query).scalars())
