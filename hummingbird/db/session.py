# SPDX-License-Identifier: Apache-2.0
"""The only place that opens database connections.

`Database.reader()` and `Database.writer()` are the two scopes: a writer commits when its
block ends without an exception, and undoes everything otherwise. On SQLite a writer
takes the write lock at once (BEGIN IMMEDIATE), so that two never meet half way, and all
writers of one process queue on one lock, which is fairer than SQLite's own retry.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import InterfaceError, OperationalError

from hummingbird.errors import DatabaseUnavailable

__all__ = ["Connection", "Database", "is_forwarding"]

_FORWARDING: Final = "hummingbird_forward_faults"
_EMPTY: Final = ("{}", b"{}")


class Database:
    """One database, shared by all threads of a process."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        busy_timeout_seconds: float = 20.0,
        forward_faults: bool = False,
    ) -> None:
        """
        :param forward_faults: whether changes of alarms and logs are queued for a fault
            management elsewhere, in the transactions that make them.
        """
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        self._writing = threading.RLock()
        options: dict[str, Any] = (
            {"connect_args": {"timeout": busy_timeout_seconds}}
            if self._sqlite
            else {"pool_size": pool_size, "max_overflow": pool_size}
        )
        self.engine: Engine = create_engine(
            url,
            pool_pre_ping=not self._sqlite,
            execution_options={_FORWARDING: forward_faults},
            json_deserializer=_from_json,
            **options,
        )
        # PostgreSQL shows each statement what was committed before it, inside
        # a transaction or not: for reading, its beginning and end are two errands in vain.
        self._reading: Engine = (
            self.engine
            if self._sqlite
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        if self._sqlite:
            _prepare_sqlite(self.engine)

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield a connection that reads what is committed, and writes nothing.

        :raises DatabaseUnavailable: the database does not answer.
        """
        with _translated(), self._reading.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together, or not at all.

        :raises DatabaseUnavailable: the database does not answer.
        """
        if not self._sqlite:
            with _translated(), self.engine.begin() as connection:
                yield connection
            return
        with _translated(), self._writing, self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def joined(self, connection: Connection) -> "Database":
        """Return this database for code that is to work within a transaction that has
        begun: what its writers undo is undone alone, what they keep waits for the end."""
        return _Joined(self, connection)

    def followed(self, last: Callable[[Connection], Callable[[], None]]) -> "Database":
        """Return this database with something that each transaction which writes does last.

        :param last: does it; what it returns is called once the transaction is kept.
        """
        return _Followed(self, last)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class _Followed(Database):
    """A database of which each change is followed by something in its transaction."""

    def __init__(
        self, whole: Database, last: Callable[[Connection], Callable[[], None]]
    ) -> None:
        self.engine = whole.engine
        self._whole = whole
        self._last = last

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield a connection that reads."""
        with self._whole.reader() as connection:
            yield connection

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together with what follows them."""
        with self._whole.writer() as connection:
            yield connection
            kept = self._last(connection)
        kept()


class _Joined(Database):
    """A database as it is within one transaction; of the thread that has begun it."""

    def __init__(self, whole: Database, connection: Connection) -> None:
        self.engine = whole.engine
        self._connection = connection

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield the transaction's connection."""
        yield self._connection

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Yield the transaction's connection, in a part that can be undone alone."""
        with self._connection.begin_nested():
            yield self._connection


def is_forwarding(connection: Connection) -> bool:
    """Whether the database of `connection` was opened with `forward_faults`."""
    return bool(connection.get_execution_options().get(_FORWARDING))


def _from_json(text: str | bytes) -> Any:
    # Most of what is stored as JSON is empty: three columns of every host.
    return {} if text in _EMPTY else json.loads(text)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(message=str(error.orig)) from error


def _prepare_sqlite(engine: Engine) -> None:
    # The driver's own transaction control is switched off: it begins transactions late
    # and so lets two writers deadlock (SQLAlchemy, "SQLite transactions").
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
