# SPDX-License-Identifier: Apache-2.0
"""The database as simulated processes reach it: a real one, with a bad way to it.

The product's own `Database` opens real connections to a real SQLite (or PostgreSQL);
below it, at the driver, each statement outside of a transaction and each new connection
asks here first. It may be refused, late, silent until a time-out, and a commit may be
undone or its answer lost; for all processes or for some. What happens between BEGIN and
COMMIT takes no virtual time and is not interleaved with anything.

It counts what is asked and what is answered, and says which tables a commit has changed.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from tests.simulation.scheduler import Process, Scheduler, Task
from tests.simulation.threads import active, current_process, current_task

DATABASE: Final = "database"
TIMEOUT: Final = "database_timeout"
"""Fact of a process: seconds after which its driver gives up on an answer."""
NEVER_SECONDS: Final = 900.0
"""After so long the kernel gives up on a peer that answers nothing (tcp(7),
tcp_retries2), where nobody asked it to do so sooner."""

ORDERED: Final = ("host", "run")
"""Tables of which rows are locked by several transactions of different kinds."""


class Kind(StrEnum):
    """What may be wrong with the way to the database."""

    AWAY = "away"
    """Connections are refused, those that stand are reset."""
    HOLE = "hole"
    """Nothing is answered, and nothing refused."""
    SLOW = "slow"


@dataclass(eq=False)
class Trouble:
    """Something that is wrong now."""

    kind: Kind
    concerns: Callable[[Process], bool]
    seconds: float = 0.0
    """SLOW: how long an answer takes, at most."""
    waiting: list[Task] = field(default_factory=list)


class DatabaseServer:
    """One database."""

    def __init__(self, scheduler: Scheduler, url: str, *, seed: str) -> None:
        self.url = url
        self.troubles: list[Trouble] = []
        self.statements: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        """By kind of process."""
        self.on_commit: Callable[[Process, frozenset[str]], None] = lambda p, t: None
        self.on_disorder: Callable[[str], None] = lambda text: None
        self._orders: dict[tuple[str, str], str] = {}
        self._scheduler = scheduler
        self._random = random.Random(f"{seed}/database")  # noqa: S311
        self.spoilt: dict[str, str] = {}
        """Name of a process -> what becomes of its next commit: "undone" or "unsaid"."""

    def begin(self, trouble: Trouble) -> None:
        """Let something be wrong."""
        self.troubles.append(trouble)

    def end(self, trouble: Trouble) -> None:
        """Let it be right again."""
        self.troubles.remove(trouble)
        for task in trouble.waiting:
            self._scheduler.wake(task)

    def trouble_of(self, process: Process) -> Trouble | None:
        """Return what is wrong between a process and the database."""
        return next((one for one in self.troubles if one.concerns(process)), None)

    def reach(self, what: str) -> None:
        """Go to the database and back.

        :raises OperationalError: of the driver.
        """
        task = current_task()
        if task is None:
            return
        scheduler, process = active(), task.process
        scheduler.pass_by(what)
        trouble = self.trouble_of(process) if self.troubles else None
        if trouble is None:
            scheduler.park(0.0001 + self._random.random() * 0.0008)
            return
        if trouble.kind is Kind.AWAY:
            scheduler.park(0.001)
            raise self.error("could not connect to server: Connection refused")
        if trouble.kind is Kind.SLOW:
            scheduler.park(self._random.random() * trouble.seconds)
            return
        seconds = float(process.facts.get(TIMEOUT, NEVER_SECONDS))
        trouble.waiting.append(task)
        try:
            answered = scheduler.park(seconds)
        finally:
            trouble.waiting.remove(task)
        if not answered:
            raise self.error("could not receive data from server: Connection timed out")

    def error(self, message: str) -> Exception:
        """Return an error of the driver that there is."""
        return sqlite3.OperationalError(message)

    def note_order(self, process: Process, where: str, tables: Sequence[str]) -> None:
        """A process has locked rows of several tables, in this order: two that do so in
        different orders may wait for each other for ever, where rows are locked."""
        for pair in pairwise(tables):
            if pair not in self._orders:
                self._orders[pair] = f"{process.name} {where}"
                other = self._orders.get((pair[1], pair[0]))
                if other is not None:
                    self.on_disorder(
                        f"{' before '.join(pair)} by {self._orders[pair]},"
                        f" the other way by {other}"
                    )

    def note_commit(self, process: Process, tables: Iterable[str]) -> None:
        """A process has changed something."""
        changed = frozenset(tables)
        if changed:
            self.on_commit(process, changed)


def engine_for_process(url: Any, **options: Any) -> Engine:
    """Stands for sqlalchemy.create_engine in the product: an engine of the process that
    runs, to the database that the simulation has."""
    task = current_task()
    if task is None or DATABASE not in task.process.facts:
        return create_engine(url, **options)
    server: DatabaseServer = task.process.facts[DATABASE]
    engine = create_engine(server.url, **options)
    task.process.on_end.append(engine.dispose)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, named: dict[str, Any]) -> Any:
        server.reach("db.connect")
        named = {**named, "timeout": 0.0, "factory": SqliteConnection}
        found = sqlite3.connect(*args, **named)
        found.server = server
        return found

    return engine


def changed_table(statement: str) -> str | None:
    """Return the table that a statement changes; for hosts only where the state may be."""
    word, _, rest = statement.partition(" ")
    if word == "UPDATE":
        table = rest.split(" ", 1)[0]
        if table == "host" and "state=" not in statement:
            return None
        return table
    if word in ("INSERT", "DELETE"):
        return rest.split(" ", 2)[1].split("(")[0]
    return None


FOR_UPDATE: Final = " /* FOR UPDATE */"
"""Where PostgreSQL has FOR UPDATE: SQLite locks no rows, and takes it for a comment."""


def say_for_update(_compiler: object, _select: object, **_: object) -> str:
    """Stands for SQLiteCompiler.for_update_clause."""
    return FOR_UPDATE


def locked_table(statement: str) -> str | None:
    """Return the table of which a statement locks rows for itself."""
    word, _, rest = statement.partition(" ")
    if word == "UPDATE":
        return rest.split(" ", 1)[0]
    if word == "SELECT" and statement.endswith(FOR_UPDATE):
        return statement.partition("FROM ")[2].split(None, 1)[0]
    return rest.split(" ", 2)[1] if word == "DELETE" else None


class SqliteCursor(sqlite3.Cursor):
    """Goes to the server first."""

    connection: "SqliteConnection"

    def execute(self, statement: str, *parameters: Any) -> Any:
        self.connection.before(statement)
        found = super().execute(statement, *parameters)
        self.connection.after()
        return found

    def executemany(self, statement: str, parameters: Any) -> Any:
        self.connection.before(statement)
        found = super().executemany(statement, parameters)
        self.connection.after()
        return found

    def fetchall(self) -> list[Any]:
        rows = super().fetchall()
        self.connection.server.rows[self.connection.kind] += len(rows)
        return rows


class SqliteConnection(sqlite3.Connection):
    """One connection of one process."""

    server: DatabaseServer
    kind = "outside"
    _task: Task | None = None
    _tables: set[str]
    _locked: list[str]

    def cursor(self, *_: Any, **__: Any) -> Any:
        return super().cursor(SqliteCursor)

    def before(self, statement: str) -> None:
        """A statement is about to be sent."""
        if self._task is None:
            if statement.startswith("PRAGMA"):
                return
            self._tables, self._locked = set(), []
            self.kind = current_process().name.split(".")[-1] if current_task() else ""
            begins = statement.startswith("BEGIN")
            self.server.reach("db.begin" if begins else "db.read")
        self.server.statements[self.kind] += 1
        table = changed_table(statement)
        if table is not None:
            self._tables.add(table)
        locked = locked_table(statement) if self._task is not None else None
        if locked in ORDERED and locked not in self._locked:
            self._locked.append(locked)

    def after(self) -> None:
        """It has been sent."""
        if self._task is None and self.in_transaction:
            self._task = current_task()
            if self._task is not None:
                self._task.transactions += 1

    def commit(self) -> None:
        task = self._let_go()
        if task is None:
            super().commit()
            return
        process = task.process
        spoilt = self.server.spoilt.pop(process.name, None) if self._tables else None
        if spoilt == "undone":
            super().rollback()
            raise self.server.error(
                "could not serialize access; the transaction is undone"
            )
        if any(trap.what == "db.commit" for trap in process.traps):
            # Killed now, all of it would be undone: so it is, if that is what comes.
            super().rollback()
            active().pass_by("db.commit")
            raise self.server.error("the connection was lost before the commit")
        super().commit()
        if len(self._locked) > 1:
            self.server.note_order(process, task.name, self._locked)
        if self._tables:
            self.server.note_commit(process, self._tables)
            active().pass_by("db.committed")
        if spoilt == "unsaid":
            raise self.server.error("the connection was lost in the commit")

    def rollback(self) -> None:
        self._let_go()
        super().rollback()

    def close(self) -> None:
        self._let_go()
        super().close()

    def _let_go(self) -> Task | None:
        task, self._task = self._task, None
        if task is not None:
            task.transactions -= 1
        return task
