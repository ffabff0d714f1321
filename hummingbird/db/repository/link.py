# SPDX-License-Identifier: Apache-2.0
"""The controllers' own links that lead to hosts, as each controller sees its own.

A controller writes its rows and nobody else's; whoever judges reads them all.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, select

from hummingbird.db.model import EMN_LINK, LINK
from hummingbird.domain.observation import LinkSeen

_COLUMNS = tuple(LINK.c[name] for name in LinkSeen.__dataclass_fields__)


def list_all(connection: Connection) -> list[LinkSeen]:
    """Return the links of all controllers, by controller and name."""
    query = select(*_COLUMNS).order_by(LINK.c.controller, LINK.c.name)
    return [LinkSeen(**row._mapping) for row in connection.execute(query)]


def of_controller(connection: Connection, controller: str) -> dict[str, LinkSeen]:
    """Return one controller's links, by name."""
    rows = connection.execute(_OF_CONTROLLER, {"of_controller": controller})
    return {row.name: LinkSeen(**row._mapping) for row in rows}


_OF_CONTROLLER = select(*_COLUMNS).where(
    LINK.c.controller == bindparam("of_controller")
)
"""Made once: to build a statement takes longer than to run it for a few rows."""


def put(connection: Connection, links: Iterable[LinkSeen], *, controller: str) -> None:
    """Replace what is known of this controller's links."""
    connection.execute(delete(LINK).where(LINK.c.controller == controller))
    for link in links:
        connection.execute(
            LINK.insert().values({one: getattr(link, one.name) for one in _COLUMNS})
        )


def towards(connection: Connection) -> dict[tuple[str, int], str]:
    """Return (controller, EMN id) -> name of its link that leads there."""
    rows = connection.execute(select(EMN_LINK))
    return {(row.controller, row.emn_id): row.name for row in rows}


def put_towards(
    connection: Connection, names: Mapping[int, str], *, controller: str
) -> None:
    """Replace what is known of which of this controller's links leads to which EMN.

    :param names: EMN id -> link.
    """
    connection.execute(delete(EMN_LINK).where(EMN_LINK.c.controller == controller))
    for emn_id, name in sorted(names.items()):
        connection.execute(
            EMN_LINK.insert().values(controller=controller, emn_id=emn_id, name=name)
        )
