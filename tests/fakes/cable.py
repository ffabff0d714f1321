# SPDX-License-Identifier: Apache-2.0
"""A database at the end of a cable that can be cut, for one process of several."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hummingbird.db.session import Connection, Database
from hummingbird.errors import DatabaseUnavailable


class CabledDatabase(Database):
    """Another database, as one process reaches it."""

    def __init__(self, whole: Database) -> None:
        self.engine = whole.engine
        self.is_sqlite = whole.is_sqlite
        self._whole = whole
        self.is_cut = False
        self.before_write: Callable[[], None] = lambda: None
        """What happens between what this process has seen and its next write."""

    def _look(self) -> None:
        if self.is_cut:
            raise DatabaseUnavailable(message="the cable is cut")

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        self._look()
        with self._whole.reader() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        self._look()
        with self._whole.snapshot() as connection:
            yield connection

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        self._look()
        self.before_write()
        with self._whole.writer() as connection:
            yield connection
            self._look()
