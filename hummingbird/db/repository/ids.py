# SPDX-License-Identifier: Apache-2.0
"""Ids that a query finds, of all rows or of some."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select

CHUNK: Final = 500
"""Ids in one query; databases bound the number of parameters."""


def of(
    connection: Connection,
    query: Select[Any],
    column: ColumnElement[int],
    *,
    among: Iterable[int] | None,
) -> set[int]:
    """Return the ids that `query` selects.

    :param column: of the ids.
    :param among: of which of them; None: of all.
    """
    if among is None:
        return set(connection.execute(query).scalars())
    wanted = sorted(among)
    found: set[int] = set()
    for start in range(0, len(wanted), CHUNK):
        some = column.in_(wanted[start : start + CHUNK])
        found.update(connection.execute(query.where(some)).scalars())
    return found
