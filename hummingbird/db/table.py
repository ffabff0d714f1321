# SPDX-License-Identifier: Apache-2.0
"""What every table has: how times are kept, how constraints are named, an id."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Integer, MetaData, Table, Text
from sqlalchemy import String as SqlString
from sqlalchemy.types import TypeDecorator

from hummingbird.printable import plain, plain_content


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC on every database (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return value.astimezone(UTC)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        # In the place of three calls a value: a list of hosts has four values a host.
        return _from_text if dialect.name == "sqlite" else _aware


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else _aware(datetime.fromisoformat(value))


def _aware(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)


class PlainString(TypeDecorator[str]):
    """A text of one line in which nothing is that a terminal obeys: what hosts and clients
    say is shown by programs that are not ours, too."""

    impl = SqlString
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)


class PlainText(TypeDecorator[str]):
    """A text of any length, with lines; else as PlainString."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value, has_lines=True)


class PlainJson(TypeDecorator[Any]):
    """JSON whose texts and names are as those of PlainString."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return plain_content(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # What stands beside a part of JSON is of that part's type (SQLAlchemy's
        # documentation of TypeDecorator, "Applying SQL-level operations to JSON").
        return self.impl_instance.coerce_compared_value(op, value)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *columns: Any, **options: Any) -> Table:
    """Return a table with an integer id."""
    # Integer ids of deleted rows are not given out again (clients remember them).
    return Table(
        name,
        METADATA,
        Column("id", Integer, primary_key=True, autoincrement=True),
        *columns,
        sqlite_autoincrement=True,
        **options,
    )
