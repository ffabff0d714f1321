# SPDX-License-Identifier: Apache-2.0
"""A database whose writers first check that they may still write.

The check is in the transaction whose changes it guards: a process that was stopped between
its decision and its write, and has been replaced meanwhile, changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hummingbird.db.session import Connection, Database


class FencedDatabase(Database):
    """Another database, with a check before each transaction that writes."""

    def __init__(self, whole: Database, *, check: Callable[[Connection], None]) -> None:
        """:param check: raises where nothing may be written."""
        self.engine = whole.engine
        self.is_sqlite = whole.is_sqlite
        self._whole = whole
        self._check = check

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
        """Yield a connection whose changes are kept together, or not at all."""
        with self._whole.writer() as connection:
            self._check(connection)
            yield connection
