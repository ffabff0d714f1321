# SPDX-License-Identifier: Apache-2.0
"""Two conductors say at the same moment that the agents' chart is installed."""

import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from hummingbird.db.repository import application
from hummingbird.db.session import Connection, Database
from hummingbird.domain.application import ApplicationStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 60.0


def say(connection: Connection, version: str) -> bool:
    return application.put(
        connection,
        "agents",
        app_version=version,
        status=ApplicationStatus.APPLIED,
        progress=None,
        now=NOW,
    )


def test_what_is_said_twice_is_news_once(database: Database) -> None:
    with database.writer() as connection:
        assert say(connection, "1")
        assert not say(connection, "1")
        assert say(connection, "2")
        found = application.find(connection, "agents")
    assert found is not None
    assert found.app_version == "2"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_that_say_it_for_the_first_time_are_both_right(database: Database) -> None:
    failures: list[Exception] = []

    def other() -> None:
        try:
            with database.writer() as connection:
                say(connection, "2")
        except Exception as error:  # noqa: BLE001 - this is a thread's top
            failures.append(error)

    thread = threading.Thread(target=other)
    with database.writer() as connection:
        say(connection, "1")
        thread.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _waits_for_a_lock(database):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    thread.join(PATIENCE_SECONDS)
    assert failures == []
    with database.reader() as connection:
        found = application.find(connection, "agents")
    assert found is not None
    assert found.app_version == "2", "the later word stands"


def _waits_for_a_lock(database: Database) -> bool:
    with database.reader() as connection:
        waiting = connection.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )
        return bool(waiting.scalar())
