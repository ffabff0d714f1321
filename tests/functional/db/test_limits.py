# SPDX-License-Identifier: Apache-2.0
"""A database that is silent, slow or in the way holds nobody for longer than is said."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from hummingbird.db import postgresql
from hummingbird.db.model import EMN, HOST
from hummingbird.db.session import Connection, Database, Limits
from hummingbird.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    TransactionConflict,
)
from tests.fakes.tcp_proxy import TcpProxy, Way
from tests.postgresql_server import PostgresqlServer

LIMITS = Limits(connect=2.0, statement=1.0, lock=0.5, idle=1.0, pool=0.5)
ENOUGH_SECONDS = 60.0
"""Far above every limit here, and far below what a connection waits by itself."""


@pytest.fixture
def proxy(postgresql_server: PostgresqlServer) -> Iterator[TcpProxy]:
    """The path to an empty database."""
    postgresql_server.empty()
    found = TcpProxy(postgresql_server.socket)
    yield found
    found.stop()


@pytest.fixture
def behind(proxy: TcpProxy, postgresql_server: PostgresqlServer) -> Iterator[Database]:
    """That database, by that path."""
    found = Database(postgresql_server.url_by(proxy.port), limits=LIMITS, pool_size=2)
    with found.reader() as connection:
        connection.execute(text("SELECT 1"))
    yield found
    found.dispose()


def ask(database: Database) -> None:
    with database.reader() as connection:
        connection.execute(text("SELECT 1"))


def change(database: Database) -> None:
    with database.writer() as connection:
        connection.execute(EMN.delete())


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def refused(work: Callable[[], object]) -> Callable[[], object]:
    def refuse() -> None:
        with pytest.raises(DatabaseUnavailable):
            work()

    return refuse


@pytest.mark.parametrize("use", [ask, change])
@pytest.mark.parametrize("way", [Way.SILENT, Way.RESET])
def test_a_database_that_is_cut_off_is_given_up_and_found_again(
    behind: Database, proxy: TcpProxy, way: Way, use: Callable[[Database], None]
) -> None:
    proxy.turn(way)
    took = seconds_of(refused(lambda: use(behind)))
    assert took < ENOUGH_SECONDS
    proxy.turn(Way.PASS)
    deadline = time.monotonic() + ENOUGH_SECONDS
    while True:
        try:
            use(behind)
            return
        except DatabaseUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_an_answer_that_is_overdue_is_given_up_in_the_middle(
    behind: Database, proxy: TcpProxy
) -> None:
    def wait() -> None:
        with behind.reader() as connection:
            connection.execute(text("SELECT 1"))
            proxy.turn(Way.SILENT)
            connection.execute(text("SELECT 1"))

    assert seconds_of(refused(wait)) < ENOUGH_SECONDS


def test_who_comes_after_the_first_is_refused_at_once(
    behind: Database, proxy: TcpProxy
) -> None:
    proxy.turn(Way.SILENT)
    refused(lambda: ask(behind))()
    tries = [seconds_of(refused(lambda: ask(behind))) for _ in range(20)]
    # At most one in RETRY_SECONDS tries to connect; the others cost nothing.
    assert sorted(tries)[len(tries) // 2] < postgresql.RETRY_SECONDS


def test_a_statement_that_takes_too_long_is_ended(behind: Database) -> None:
    with (
        pytest.raises(DatabaseBusy, match="statement timeout"),
        behind.reader() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(60)"))
    ask(behind)


def test_a_lock_that_another_has_is_given_up(behind: Database) -> None:
    with behind.writer() as first:
        first.execute(text("LOCK TABLE emn IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseBusy, match="lock timeout"):
            change(behind)


def test_a_process_that_froze_holds_no_lock_for_ever(
    behind: Database, postgresql_server: PostgresqlServer, proxy: TcpProxy
) -> None:
    thaw = threading.Event()
    holds = threading.Event()
    ends: list[Exception] = []

    def freeze() -> None:
        try:
            with behind.writer() as connection:
                connection.execute(text("LOCK TABLE emn IN ACCESS EXCLUSIVE MODE"))
                holds.set()
                thaw.wait(ENOUGH_SECONDS)
                connection.execute(EMN.delete())
        except DatabaseUnavailable as error:
            ends.append(error)

    frozen = threading.Thread(target=freeze)
    frozen.start()
    assert holds.wait(ENOUGH_SECONDS)
    peer = Database(postgresql_server.url_by(proxy.port), limits=LIMITS)
    deadline = time.monotonic() + ENOUGH_SECONDS
    while True:
        try:
            change(peer)
            break
        except DatabaseBusy:
            assert time.monotonic() < deadline
    thaw.set()
    frozen.join(ENOUGH_SECONDS)
    peer.dispose()
    assert len(ends) == 1, "the frozen one is told that its transaction is over"


def test_a_pool_that_is_used_up_says_so(behind: Database) -> None:
    with ExitStack() as all_of_them:
        for _ in range(4):
            all_of_them.enter_context(behind.reader())
        with pytest.raises(DatabaseBusy, match="all connections"):
            ask(behind)


def test_the_url_goes_before_the_options(
    postgresql_server: PostgresqlServer, proxy: TcpProxy
) -> None:
    url = postgresql_server.url_by(proxy.port)
    database = Database(
        f"{url}?options=-c%20statement_timeout%3D7s&connect_timeout=9", limits=LIMITS
    )
    with database.reader() as connection:
        asked = ("statement_timeout", "lock_timeout")
        found = [connection.execute(text(f"SHOW {one}")).scalar() for one in asked]
    assert found == ["7s", "500ms"]
    database.dispose()


def _two_emns(database: Database) -> None:
    with database.writer() as connection:
        for number in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO emn (id, uuid, name, cidr, attachment, site, created_at)"
                    f" VALUES ({number}, '{number}', '{number}', '10.0.{number}.0/24',"
                    " 'routed', 'x', '2026-01-01 00:00:00+00:00')"
                )
            )


def _touch(connection: Connection, number: int) -> None:
    connection.execute(EMN.update().where(EMN.c.id == number).values(site="y"))


def test_a_deadlock_is_named_and_the_work_done_again(
    postgresql_server: PostgresqlServer, proxy: TcpProxy
) -> None:
    database = Database(postgresql_server.url_by(proxy.port))
    _two_emns(database)
    meet = threading.Barrier(2, timeout=ENOUGH_SECONDS)
    calls = {1: 0, 2: 0}
    seen: list[Exception] = []

    def work(mine: int, other: int) -> Callable[[Connection], None]:
        def both(connection: Connection) -> None:
            calls[mine] += 1
            if calls[mine] == 1:
                _touch(connection, mine)
                meet.wait()
                _touch(connection, other)
            else:
                _touch(connection, 1)
                _touch(connection, 2)

        return both

    def run(mine: int, other: int) -> None:
        try:
            database.write(work(mine, other))
        except Exception as error:  # noqa: BLE001 - this is a thread's top
            seen.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENOUGH_SECONDS)
    assert seen == []
    assert 2 in calls.values(), "one of the two was undone and done again"
    database.dispose()


def test_a_conflict_says_what_it_is(
    postgresql_server: PostgresqlServer, proxy: TcpProxy
) -> None:
    database = Database(postgresql_server.url_by(proxy.port))
    _two_emns(database)
    meet = threading.Barrier(2, timeout=ENOUGH_SECONDS)
    ends: list[Exception] = []

    def cross(first: int, second: int) -> None:
        try:
            with database.writer() as connection:
                _touch(connection, first)
                meet.wait()
                _touch(connection, second)
        except DatabaseUnavailable as error:
            ends.append(error)

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENOUGH_SECONDS)
    database.dispose()
    assert ends
    for error in ends:
        assert isinstance(error, TransactionConflict)
        assert str(error) == "Another change was in the way: deadlock detected"


def test_all_statements_of_a_snapshot_see_the_same_moment(database: Database) -> None:
    with database.snapshot() as connection:
        assert connection.execute(text("SELECT count(*) FROM emn")).scalar() == 0
        _two_emns(database)
        assert connection.execute(text("SELECT count(*) FROM emn")).scalar() == 0
    with database.snapshot() as connection:
        assert connection.execute(text("SELECT count(*) FROM emn")).scalar() == 2


def test_a_busy_sqlite_says_that_it_is_busy(database: Database) -> None:
    if not database.is_sqlite:
        return
    impatient = Database(str(database.engine.url), busy_timeout_seconds=0.1)
    with database.writer() as connection:
        connection.execute(HOST.delete())
        with pytest.raises(DatabaseBusy, match="locked"):
            change(impatient)
    impatient.dispose()
