# SPDX-License-Identifier: Apache-2.0
"""Holds every transaction of the tests to the order of db/lock_order.py.

It sees what is updated, deleted, inserted or selected for update, in which order. Two
transactions that keep the order wait for each other in no cycle, on any database; so a test
with one thread finds what would need two at the right moment. Statements that are text are
the tests' own and are not looked at, nor are changes of the schema.
"""

import traceback
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, Select, Update, event
from sqlalchemy.engine import Engine

import hummingbird
from hummingbird.db.lock_order import ALONE, APPENDED, OF_NETWORKS, ORDER
from hummingbird.db.session import FOR_SCHEMA

_RANK: Final = {name: rank for rank, name in enumerate(ORDER)}
_TOUCHED: "WeakKeyDictionary[Connection, list[str]]" = WeakKeyDictionary()
_PRODUCT: Final = Path(hummingbird.__file__).parent


class LockOrderError(AssertionError):
    """A transaction takes a table's rows after those of one that stands behind it."""


def _taken(statement: object) -> str | None:
    """Return the table whose rows a statement takes."""
    if isinstance(statement, Insert):
        name = str(statement.table.name)
        return None if name in APPENDED else name
    if isinstance(statement, Update | Delete):
        return str(statement.table.name)  # type: ignore[attr-defined]
    if isinstance(statement, Select) and statement._for_update_arg is not None:
        (table,) = statement.get_final_froms()
        return str(table.name)  # type: ignore[attr-defined]
    return None


def _look(connection: Connection, statement: object, *_rest: Any) -> None:
    table = _taken(statement)
    if table is None or connection.get_execution_options().get(FOR_SCHEMA):
        return
    touched = _TOUCHED.setdefault(connection, [])
    if table in touched:
        return
    behind = [one for one in touched if _RANK[one] > _RANK[table]]
    if ALONE in touched and table in OF_NETWORKS:
        behind = [one for one in behind if one not in OF_NETWORKS]
    touched.append(table)
    if behind and _is_the_products():
        raise LockOrderError(
            f"{table} is taken after {', '.join(behind)}: {str(statement)[:200]}"
        )


def _is_the_products() -> bool:
    """Whether the transaction under way is not one that a test made up of the database's
    parts alone."""
    return any(
        _PRODUCT in path.parents and path.relative_to(_PRODUCT).parts[0] != "db"
        for path in (Path(frame.filename) for frame in traceback.extract_stack())
    )


def _forget(connection: Connection) -> None:
    _TOUCHED.pop(connection, None)


def watch() -> None:
    """Begin to watch every engine of this process."""
    event.listen(Engine, "before_execute", _look)
    event.listen(Engine, "commit", _forget)
    event.listen(Engine, "rollback", _forget)
