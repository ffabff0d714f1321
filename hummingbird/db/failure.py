# SPDX-License-Identifier: Apache-2.0
"""What the databases' errors mean: away, busy, or two transactions in each other's way.

Each is a 503, and worth a retry but for a database that is damaged. `DatabaseBusy` and its
kinds left the database as it was, so the whole of the work may be done again at once.
"""

import sqlite3
from typing import Final

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hummingbird.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseUnavailable,
    TransactionConflict,
)

_CONFLICT: Final = frozenset({"40001", "40P01"})
"""serialization_failure, deadlock_detected (PostgreSQL, appendix A)"""
_BUSY: Final = frozenset({"55P03", "57014", "53300"})
"""lock_not_available, query_canceled (by its time-out), too_many_connections"""
_AWAY: Final = frozenset({"25P03"})
"""idle_in_transaction_session_timeout: the server has closed the connection"""
_DAMAGED: Final = frozenset({"XX001", "XX002"})
"""data_corrupted, index_corrupted"""
_PRIMARY: Final = 0xFF
"""The part of SQLite's extended result codes that is the primary one."""


def meaning(
    error: DBAPIError | PoolTimeout, *, file: str | None = None
) -> DatabaseUnavailable | None:
    """Return the error to raise in the place of `error`; None: it stays what it is.

    :param file: of SQLite, for who is to put it right.
    """
    if isinstance(error, PoolTimeout):
        return DatabaseBusy(message="all connections of this process are in use")
    text = str(error.orig).strip()
    state = getattr(error.orig, "sqlstate", None)
    if state in _CONFLICT:
        return TransactionConflict(message=_first_line(text))
    if state in _BUSY or _is_locked(error.orig):
        return DatabaseBusy(message=_first_line(text))
    if state in _DAMAGED or _is_damaged(error.orig):
        return damaged(_first_line(text), file=file)
    if state in _AWAY or error.connection_invalidated:
        return DatabaseUnavailable(message=text)
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnavailable(message=text)
    return None


def damaged(message: str, *, file: str | None) -> DatabaseDamaged:
    """Return the error that says how a damaged database is restored.

    :param file: of SQLite; None: it is PostgreSQL's.
    """
    remedy = "stop all processes, restore it from a backup, and start them"
    if file:
        remedy = (
            f"stop all processes, remove {file}, {file}-wal and {file}-shm (all three:"
            f" what is left of one does not fit another), copy a backup to {file}, and"
            " start them"
        )
    return DatabaseDamaged(message=message, remedy=remedy)


def is_of_data(error: BaseException) -> bool:
    """Return whether it is what was written that the database refuses, and not the
    writing: the same with other values may go through."""
    if isinstance(error, ProgrammingError):
        # Without a state the server has not even seen it: a driver knows no such type.
        return getattr(error.orig, "sqlstate", None) is None
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError | IntegrityError)
    # What a driver, or a column's type, can't put into the database's terms.
    return isinstance(error, StatementError | OverflowError | ValueError | TypeError)


def _is_locked(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return code & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_damaged(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return code & _PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _first_line(text: str) -> str:
    # What follows names processes and rows of the server's.
    return text.partition("\n")[0]
