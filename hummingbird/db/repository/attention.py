# SPDX-License-Identifier: Apache-2.0
"""Which hosts somebody must look at now; the others are as they should be.

Each question is answered by indexes: hosts in states that pass, hosts whose silence has
become long enough to mean something, hosts that are heard though they count as away, and
hosts whose alarms may be others than they should. Whoever asks decides; here is only
left out what no decision would change.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, case, exists, func, select, true

from hummingbird.db.model import ALARM, EMN, HEARTBEAT, HOST
from hummingbird.domain.alarm import HOST_LOCKED, host_entity
from hummingbird.domain.hearing import Hearing
from hummingbird.domain.host_state import WATCHED, HostState
from hummingbird.domain.liveness import LATE_PERIODS

PASSING: Final = (WATCHED - {HostState.ENABLED}) | {HostState.ENABLING}
"""A host is in one of these because something is wrong with it, or about to end."""

_ENTITY: Final = host_entity("")


def hosts(connection: Connection, *, hearing: Hearing | None) -> set[int]:
    """Return the ids of the hosts whose state may be another than what is heard says.

    :param hearing: what is known of all gateways; None: none listens, so that nothing new
        is heard and no silence says anything.
    """
    passing = select(HOST.c.id).where(HOST.c.state.in_(_values(PASSING)))
    queries = [passing]
    if hearing is not None and hearing.through is not None:
        through = hearing.through
        is_heard = HEARTBEAT.c.due_seconds > through
        queries.append(_join().where(HOST.c.online.is_(False), is_heard))
        listening = through - hearing.first_begins()
        counts = case(
            (HOST.c.state == HostState.ENABLED.value, true()), else_=HOST.c.online
        )
        # A list and a choice, so that the list is made first, by its index: SQLite
        # guesses that a quarter of a table is below any bound, and would begin with
        # the hosts.
        for is_due in (
            HEARTBEAT.c.due_seconds <= through,
            # It is not known when: a gateway of a release before heard it.
            HEARTBEAT.c.due_seconds.is_(None),
        ):
            silent = select(HEARTBEAT.c.host_id).where(
                is_due, HEARTBEAT.c.period_seconds <= listening / LATE_PERIODS
            )
            queries.append(select(HOST.c.id).where(HOST.c.id.in_(silent), counts))
    return _ids(connection, *queries)


def rebooted(connection: Connection) -> set[int]:
    """Return the ids of the hosts that were heard with another boot id than is noted.

    This one compares all of them, inside the database.
    """
    different = HOST.c.boot_id.is_distinct_from(HEARTBEAT.c.boot_id)
    return _ids(connection, _join().where(different))


def without_lock_alarm(connection: Connection) -> set[int]:
    """Return the ids of the hosts that are locked and have no alarm that says so."""
    stands = exists().where(
        ALARM.c.alarm_id == HOST_LOCKED,
        ALARM.c.entity_instance_id == _ENTITY + HOST.c.hostname,
        ALARM.c.posted.is_(False),
    )
    return _ids(connection, select(HOST.c.id).where(_IS_LOCKED, ~stands))


def watched(connection: Connection, *, sites: Iterable[str]) -> Mapping[str, int]:
    """Return how many watched hosts each of `sites` has; "" has those of no network."""
    wanted = set(sites)
    rows = connection.execute(
        select(EMN.c.site, func.count())
        .join(HOST, HOST.c.emn_id == EMN.c.id)
        .where(EMN.c.site.in_(wanted), HOST.c.state.in_(_values(WATCHED)))
        .group_by(EMN.c.site)
    )
    count = {row[0]: row[1] for row in rows}
    if "" in wanted:
        outside = select(func.count()).where(
            HOST.c.emn_id.is_(None), HOST.c.state.in_(_values(WATCHED))
        )
        count[""] = connection.execute(outside).scalar_one()
    return count


_IS_LOCKED: Final = (HOST.c.state == HostState.LOCKED.value) & (
    HOST.c.provisioned_plan.is_not(None)
)
LOCK_ALARM_IS_RIGHT: Final = (
    (ALARM.c.alarm_id == HOST_LOCKED)
    & ALARM.c.posted.is_(False)
    & exists().where(
        # The name out of the entity, so that the index of names finds it.
        HOST.c.hostname == func.substr(ALARM.c.entity_instance_id, len(_ENTITY) + 1),
        func.substr(ALARM.c.entity_instance_id, 1, len(_ENTITY)) == _ENTITY,
        _IS_LOCKED,
    )
)
"""Of an alarm: it says that a host is locked, and the host is. A fleet may have many."""


def _join() -> Select[Any]:
    return select(HOST.c.id).join(HEARTBEAT, HEARTBEAT.c.host_id == HOST.c.id)


def _values(states: Iterable[HostState]) -> list[str]:
    return sorted(state.value for state in states)


def _ids(connection: Connection, *queries: Select[Any]) -> set[int]:
    return {one for query in queries for one in connection.execute(query).scalars()}
