# SPDX-License-Identifier: Apache-2.0
"""Migrations since the last release only expand: processes of that release go on working
on the schema of this one.

RELEASED is set to the head when a release is made. What is left behind is taken away by a
migration of the release after the one that stopped using it.
"""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy import Boolean, Column, DateTime, MetaData, Table, inspect
from sqlalchemy.types import JSON, Float, Integer, Numeric, TypeEngine

from hummingbird.db import migration
from hummingbird.db.session import Database

RELEASED: Final = "0022"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ALEMBIC: Final = "alembic_version"


def reflected(database: Database) -> dict[str, Table]:
    metadata = MetaData()
    metadata.reflect(database.engine)
    return {
        table.name: table for table in metadata.sorted_tables if table.name != _ALEMBIC
    }


@pytest.fixture
def released(empty_database: Database) -> dict[str, Table]:
    """The tables of the last release; the database is at the head after that."""
    migration.upgrade(empty_database, revision=RELEASED)
    found = reflected(empty_database)
    migration.upgrade(empty_database)
    return found


def _value(column: Column[Any], number: int) -> Any:
    """Return something that fits, another one for each row."""
    kind: TypeEngine[Any] = column.type
    for key in column.foreign_keys:
        assert key is not None
        return number
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, DateTime):
        return NOW
    if isinstance(kind, Integer | Float | Numeric):
        return number
    if isinstance(kind, JSON):
        return {}
    length = getattr(kind, "length", None) or 20
    return f"{column.table.name}{number}"[-length:]


def _row(table: Table, number: int) -> dict[str, Any]:
    """Return what a process of that release may write: all that it must say."""
    return {
        column.name: _value(column, number)
        for column in table.columns
        if column.name == "id"
        or (not column.nullable and column.server_default is None)
    }


def test_what_the_last_release_writes_and_reads_goes_on(
    released: dict[str, Table], empty_database: Database
) -> None:
    with empty_database.writer() as connection:
        for table in released.values():
            connection.execute(table.delete())
    with empty_database.writer() as connection:
        for table in released.values():
            for number in (1, 2):
                connection.execute(table.insert().values(_row(table, number)))
    with empty_database.reader() as connection:
        for table in released.values():
            assert len(connection.execute(table.select()).all()) == 2, table.name


def test_nothing_that_the_last_release_knows_is_gone_or_narrower(
    released: dict[str, Table], empty_database: Database
) -> None:
    head = reflected(empty_database)
    for name, table in released.items():
        assert name in head, f"table {name} is gone"
        for column in table.columns:
            now = head[name].columns.get(column.name)
            assert now is not None, f"{column} is gone"
            assert type(now.type) is type(column.type), f"{column} has another type"
            assert now.nullable >= column.nullable, f"{column} must be said now"
            lengths = (getattr(one.type, "length", None) for one in (now, column))
            new, old = lengths
            assert new is None or (old is not None and new >= old), (
                f"{column} is shorter"
            )


def test_no_new_column_must_be_said_and_no_new_rule_forbids(
    released: dict[str, Table], empty_database: Database
) -> None:
    head = reflected(empty_database)
    inspector = inspect(empty_database.engine)
    for name, table in released.items():
        new = [
            column for column in head[name].columns if column.name not in table.columns
        ]
        for column in new:
            assert column.nullable or column.server_default is not None, column
        names = {column.name for column in table.columns}
        unique = {
            tuple(item["column_names"])
            for item in inspector.get_unique_constraints(name)
        } | {
            tuple(item["column_names"])
            for item in inspector.get_indexes(name)
            if item["unique"]
        }
        for columns in unique - _unique_of(table):
            assert not names.issuperset(columns), f"{name}: {columns} became unique"


def _unique_of(table: Table) -> set[tuple[str, ...]]:
    from sqlalchemy import UniqueConstraint

    return {
        tuple(column.name for column in one.columns)
        for one in table.constraints
        if isinstance(one, UniqueConstraint)
    } | {
        tuple(column.name for column in one.columns)
        for one in table.indexes
        if one.unique
    }
