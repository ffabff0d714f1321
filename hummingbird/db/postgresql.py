# SPDX-License-Identifier: Apache-2.0
"""Connections to PostgreSQL on which nobody waits without end.

Each wait has a limit of its own: for the connection, for a lock, for a statement, for the
next statement of a transaction. The server keeps the last three. What the server can't keep,
because nothing reaches it or nothing comes back, is kept here: a connection whose answer is
overdue is closed. TCP alone does not see that: a peer's kernel, or a proxy, acknowledges what
nobody reads.

Where no connection can be made, one caller tries again each RETRY_SECONDS, and the others are
refused at once: threads that wait for a database which is away are missing elsewhere.
"""

import threading
from collections.abc import Generator, Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import InvalidatePoolError

from hummingbird.clock import Clock, SystemClock
from hummingbird.db.limits import LIMITS, Limits

RETRY_SECONDS: Final = 1.0
"""Between two attempts to connect to a database that does not answer."""

PING_SECONDS: Final = 2.0
"""For the answer to an empty statement, before a connection is used again: any server that
is of use has it in milliseconds."""

_KEEPALIVE: Final = {
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
"""An idle connection whose peer is gone is known after 11 s (libpq, TCP keepalives)."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer is overdue."""

    answer_seconds: float = LIMITS.answer
    clock: Clock = SystemClock()

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Wait for an answer; see psycopg.

        :raises psycopg.OperationalError: none came in `answer_seconds`.
        """
        return super().wait(self._bounded(gen), *args, **options)

    def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        # psycopg sends a falsy "not ready" each tenth of a second while nothing comes.
        deadline = self.clock.monotonic() + self.answer_seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.clock.monotonic() >= deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"no answer for {self.answer_seconds:g} s"
                    )
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


class Gate:
    """Lets one caller at a time try a database that does not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._is_tried = False

    def enter(self) -> None:
        """Return if the caller may try; he says with `note` what came of it.

        :raises psycopg.OperationalError: somebody else has just tried, or does so now.
        """
        with self._lock:
            if self._failed_at is None:
                return
            since = self._clock.monotonic() - self._failed_at
            if self._is_tried or since < RETRY_SECONDS:
                raise psycopg.OperationalError("it did not answer a moment ago")
            self._is_tried = True

    def note(self, *, answered: bool) -> None:
        """Say whether the database answered."""
        with self._lock:
            self._failed_at = None if answered else self._clock.monotonic()
            self._is_tried = False


def connect_arguments(url: URL, limits: Limits) -> dict[str, Any]:
    """Return what psycopg is given beside the URL; what the URL says itself is left out."""
    arguments: dict[str, Any] = {
        # libpq takes whole seconds, at least 2.
        "connect_timeout": str(max(2, round(limits.connect))),
        "tcp_user_timeout": str(round(limits.answer * 1000)),
        **_KEEPALIVE,
    }
    found = {name: value for name, value in arguments.items() if name not in url.query}
    return {**found, "options": _options(url.query, limits)}


def _options(query: Mapping[str, Any], limits: Limits) -> str:
    """Return the server's settings, those of the URL last: of two the last one counts."""
    settings = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    ours = [f"-c {name}={round(value * 1000)}" for name, value in settings.items()]
    return " ".join([*ours, *_texts(query.get("options"))])


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def bound(engine: Engine, limits: Limits, *, clock: Clock | None = None) -> None:
    """Have `engine`'s connections keep to `limits`."""
    clock = clock or SystemClock()
    gate = Gate(clock)

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]
    ) -> BoundedConnection:
        gate.enter()
        connection: BoundedConnection | None = None
        try:
            connection = BoundedConnection.connect(*arguments, **options)
        finally:
            gate.note(answered=connection is not None)
        connection.answer_seconds = limits.answer
        connection.clock = clock
        if record is not None:
            record.info["is_new"] = True
        return connection

    @event.listens_for(engine, "checkout")
    def check(connection: BoundedConnection, record: Any, _proxy: Any) -> None:
        if record.info.pop("is_new", False):
            return
        try:
            _ping(connection, limits)
        except psycopg.Error as error:
            # All of the pool: they go to the same place.
            raise InvalidatePoolError(str(error)) from error


def _ping(connection: BoundedConnection, limits: Limits) -> None:
    """Ask the server for nothing, in a transaction of its own."""
    connection.answer_seconds = min(PING_SECONDS, limits.answer)
    former, connection.autocommit = connection.autocommit, True
    try:
        connection.execute(b"")
    finally:
        if not connection.closed:
            connection.autocommit = former
        connection.answer_seconds = limits.answer
