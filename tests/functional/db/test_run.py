# SPDX-License-Identifier: Apache-2.0
"""The run repository on a real database: one taker, one end, no lost run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from hummingbird.db.repository import run as runs
from hummingbird.db.session import Database
from hummingbird.domain.run import Run, RunKind, RunState
from hummingbird.errors import RunNotFound
from tests.explain import Watched

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST_UUID = "87f6b5a1-78b8-4d90-a1ca-3aa0b796d57a"


def queue(
    database: Database, kind: RunKind = RunKind.UNLOCK, *, host_uuid: str = HOST_UUID
) -> Run:
    with database.writer() as connection:
        return runs.create(
            connection,
            host_uuid=host_uuid,
            hostname="edge-1",
            kind=kind,
            requested_by="admin",
            now=NOW,
        )


def test_of_many_conductors_one_takes_a_run(database: Database) -> None:
    run = queue(database)

    def claim(number: int) -> bool:
        with database.writer() as connection:
            return runs.claim(connection, run, owner=f"c{number}", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_a_dead_conductors_run_is_taken_over_and_counts_its_attempts(
    database: Database,
) -> None:
    run = queue(database)
    with database.writer() as connection:
        assert runs.claim(connection, run, owner="c1", now=NOW)
        running = runs.find(connection, run.uuid)
        assert runs.requeue(connection, running)
        assert not runs.requeue(connection, running)
        again = runs.find(connection, run.uuid)
        assert (again.state, again.attempt, again.owner) == (RunState.QUEUED, 2, None)
        assert runs.claim(connection, again, owner="c2", now=NOW)


def test_a_run_ends_once(database: Database) -> None:
    run = queue(database)
    with database.writer() as connection:
        assert runs.finish(
            connection, run, state=RunState.SUCCEEDED, now=NOW, changed=4
        )
        assert not runs.finish(connection, run, state=RunState.FAILED, now=NOW)
        ended = runs.find(connection, "edge-1")
    assert (ended.state, ended.changed, ended.ended_at) == (RunState.SUCCEEDED, 4, NOW)


def test_events_are_read_from_where_the_reader_was(database: Database) -> None:
    run = queue(database)
    with database.writer() as connection:
        for number in range(3):
            runs.add_event(
                connection,
                run.id,
                at=NOW,
                step="connect",
                state="ok",
                message=str(number),
            )
        first = runs.events(connection, run.id, limit=1)
        rest = runs.events(connection, run.id, after_id=first[-1].id)
    assert [event.message for event in first + rest] == ["0", "1", "2"]


def test_a_cancel_reaches_only_runs_that_have_not_ended(database: Database) -> None:
    ended, running = queue(database), queue(database)
    with database.writer() as connection:
        runs.finish(connection, ended, state=RunState.SUCCEEDED, now=NOW)
        assert runs.request_cancel(connection, host_uuid=HOST_UUID) == 1
        assert runs.cancel_requested(connection, running.id)
        assert not runs.cancel_requested(connection, ended.id)


def test_an_unknown_run_is_named(database: Database) -> None:
    with database.reader() as connection, pytest.raises(RunNotFound, match="edge-9"):
        runs.find(connection, "edge-9")


def test_of_each_host_the_first_that_is_queued_may_begin(database: Database) -> None:
    first = {}
    for number in range(3):
        for _ in range(2):
            run = queue(database, host_uuid=f"host-{number}")
            first.setdefault(run.host_uuid, run.id)
    with database.reader() as connection:
        found = runs.next_queued(connection, limit=10)
        assert [one.id for one in found] == list(first.values())
        page = runs.next_queued(connection, limit=2)
        rest = runs.next_queued(connection, after_id=page[-1].id, limit=2)
        assert [one.id for one in (*page, *rest)] == list(first.values())
    with database.writer() as connection:
        assert runs.claim(connection, found[0], owner="c", now=NOW)
    with database.reader() as connection:
        again = runs.next_queued(connection, limit=10)
    # Its host is reserved in the same transaction as the run is claimed.
    assert again[0].host_uuid == "host-0"
    assert again[0].id == first["host-0"] + 1


@pytest.mark.parametrize("queued", [5, 200])
def test_a_look_reads_as_many_runs_as_can_begin(
    database: Database, queued: int
) -> None:
    for number in range(queued):
        queue(database, host_uuid=f"host-{number}")
    watched = Watched(database)
    with watched.watching(), database.reader() as connection:
        assert len(runs.next_queued(connection, limit=4)) == 4
    assert len(watched.statements) == 1
