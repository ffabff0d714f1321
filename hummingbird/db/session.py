# SPDX-License-Identifier: Apache-2.0
"""The only place that opens database connections.

`Database.reader()`, `snapshot()` and `writer()` are the scopes. Each statement of a reader
sees what was committed before it; all statements of a snapshot see the same moment. A writer
commits when its block ends without an exception, and undoes everything otherwise. On SQLite a
writer takes the write lock at once (BEGIN IMMEDIATE), so that two never meet half way, and all
writers of one process queue on one lock, which is fairer than SQLite's own retry. On
PostgreSQL writers take rows in the order of db/lock_order.py.

No scope waits without end: see db/postgresql.py, and `busy_timeout_seconds` for SQLite.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hummingbird.db.failure import damaged, meaning
from hummingbird.db.limits import LIMITS, Limits
from hummingbird.errors import DatabaseBusy, DatabaseDamaged

__all__ = ["FOR_SCHEMA", "Connection", "Database", "Engine", "Limits", "is_forwarding"]

T = TypeVar("T")

LOG = logging.getLogger(__name__)

FOR_SCHEMA: Final = "hummingbird_for_schema"
"""An option of connections whose transactions have the database to themselves."""
_FORWARDING: Final = "hummingbird_forward_faults"
_EMPTY: Final = ("{}", b"{}")


class Database:
    """One database, shared by all threads of a process."""

    damage: DatabaseDamaged | None = None
    """Set once a statement has met damage: from then on nothing that is read is certain,
    and only a restore and a new start help."""
    _file: str | None = None

    def __init__(
        self,
        url: str | URL,
        *,
        pool_size: int = 10,
        busy_timeout_seconds: float = 20.0,
        limits: Limits = LIMITS,
        forward_faults: bool = False,
    ) -> None:
        """
        :param busy_timeout_seconds: how long a writer waits for another one on SQLite.
        :param limits: how long things may take on PostgreSQL.
        :param forward_faults: whether changes of alarms and logs are queued for a fault
            management elsewhere, in the transactions that make them.
        """
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._file = make_url(url).database if self.is_sqlite else None
        self._writing = threading.RLock()
        self._busy_seconds = busy_timeout_seconds
        self.engine: Engine = create_engine(
            url,
            execution_options={_FORWARDING: forward_faults},
            # What is written belongs into no log; an error tells its statement alone.
            hide_parameters=True,
            json_deserializer=_from_json,
            **(
                {"connect_args": {"timeout": busy_timeout_seconds}}
                if self.is_sqlite
                else _server_options(url, limits, pool_size=pool_size)
            ),
        )
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
            self._reading = self._picturing = self.engine
            return
        from hummingbird.db import postgresql

        postgresql.bound(self.engine, limits)
        # PostgreSQL shows each statement what was committed before it, inside
        # a transaction or not: for reading, its beginning and end are two errands in vain.
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._picturing = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield a connection that reads what is committed, and writes nothing; for one
        statement, or for several that need not agree.

        :raises DatabaseUnavailable: the database does not answer, or is busy.
        """
        with self._translated(), self._reading.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection all of whose statements see the same moment.

        :raises DatabaseUnavailable: the database does not answer, or is busy.
        """
        with self._translated(), self._picturing.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together, or not at all.

        :raises DatabaseUnavailable: the database does not answer.
        :raises DatabaseBusy, TransactionConflict: nothing was kept; the work may be done
            once more (see `write`).
        """
        if not self.is_sqlite:
            with self._translated(), self.engine.begin() as connection:
                yield connection
            return
        with self._translated(), self._alone(), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def bare(self) -> Iterator[Connection]:
        """Yield a connection that commits where it is told to: for the schema alone.

        :raises DatabaseUnavailable: as `writer`.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection.execution_options(**{FOR_SCHEMA: True})

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a writer; once more where another transaction was in the way.

        :param work: changes nothing but the database, and may be called twice.
        :raises DatabaseUnavailable: as `writer`.
        """
        try:
            with self.writer() as connection:
                return work(connection)
        except DatabaseBusy as error:
            LOG.info("A transaction is done again: %s", error)
        with self.writer() as connection:
            return work(connection)

    def check_whole(self) -> None:
        """Return if a SQLite file is well-formed: all of it is read, some 100 MB a second.
        A file that was copied beside another one's -wal is not. PostgreSQL checks its own.

        :raises DatabaseDamaged: it is not.
        """
        if not self.is_sqlite:
            return
        with self.reader() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise damaged(str(found).partition("\n")[0], file=self._file)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            found = meaning(error, file=self._file)
            if found is None:
                raise
            if isinstance(found, DatabaseDamaged):
                self._note(found)
            raise found from error

    def _note(self, found: DatabaseDamaged) -> None:
        """Tell the log once: each loop of the process meets it again and again."""
        if self.damage is None:
            self.damage = found
            LOG.critical("%s: %s", found.code, found)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=self._busy_seconds):
            raise DatabaseBusy(message="another thread of this process writes")
        try:
            yield
        finally:
            self._writing.release()

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
        self.is_sqlite = whole.is_sqlite
        self._whole = whole
        self._last = last

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield a connection that reads."""
        with self._whole.reader() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection that reads one moment."""
        with self._whole.snapshot() as connection:
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
        self.is_sqlite = whole.is_sqlite
        self._connection = connection

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield the transaction's connection."""
        yield self._connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield the transaction's connection: what it saw it sees, and what it wrote."""
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


def _server_options(
    url: str | URL, limits: Limits, *, pool_size: int
) -> dict[str, Any]:
    from hummingbird.db import postgresql

    return {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": limits.pool,
        "connect_args": postgresql.connect_arguments(make_url(url), limits),
    }


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
