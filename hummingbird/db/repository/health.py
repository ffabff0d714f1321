# SPDX-License-Identifier: Apache-2.0
"""How well a whole system is, counted by the database."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from hummingbird.db.model import ALARM, HOST
from hummingbird.domain.host_state import HostState

NAMES_MOST: Final = 20
"""Hosts of one kind that are named; of the rest only the number is told."""

_ENABLED: Final = (HostState.ENABLED.value, HostState.DEGRADED.value)


@dataclass(frozen=True)
class Named:
    """Some hosts: how many, and the names of the first."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Health:
    """What is not as it should be."""

    unprovisioned: Named
    not_enabled: Named
    out_of_date: Named
    alarms: int
    management_affecting: int


def of_system(connection: Connection) -> Health:
    """Return how well the system is."""
    count = select(func.count()).select_from(ALARM)
    affecting = count.where(ALARM.c.mgmt_affecting.is_(True))
    return Health(
        unprovisioned=_named(connection, HOST.c.provisioned_plan.is_(None)),
        not_enabled=_named(connection, HOST.c.state.not_in(_ENABLED)),
        out_of_date=_named(connection, HOST.c.provisioned_plan != HOST.c.target_plan),
        alarms=connection.execute(count).scalar_one(),
        management_affecting=connection.execute(affecting).scalar_one(),
    )


def _named(connection: Connection, which: ColumnElement[bool]) -> Named:
    count = select(func.count()).select_from(HOST).where(which)
    names = select(HOST.c.hostname).where(which).order_by(HOST.c.id).limit(NAMES_MOST)
    return Named(
        connection.execute(count).scalar_one(),
        tuple(connection.execute(names).scalars()),
    )
