# SPDX-License-Identifier: Apache-2.0
"""Transactions take rows in one order, and what watches over that sees it."""

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text, update

from hummingbird.clock import SystemClock
from hummingbird.db import lock_order
from hummingbird.db.model import EMN, HOST, METADATA, RUN
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.session import Database
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.driver import Driver
from tests.functional.api.conftest import World, world

__all__ = ["world"]

PATIENCE_SECONDS = 60.0


def test_every_table_has_its_place() -> None:
    assert len(set(lock_order.ORDER)) == len(lock_order.ORDER)
    assert set(lock_order.ORDER) == set(METADATA.tables)


def run_then_host(connection: Connection) -> None:
    connection.execute(update(RUN).values(owner=None))
    connection.execute(update(HOST).values(task=None))


def host_then_run(connection: Connection) -> None:
    connection.execute(update(HOST).values(task=None))
    connection.execute(update(RUN).values(owner=None))
    connection.execute(update(HOST).values(task=None))


def lock_then_back(connection: Connection) -> None:
    connection.execute(HOST.select().with_for_update()).all()
    connection.execute(EMN.delete())


@pytest.mark.parametrize("broken", [run_then_host, lock_then_back])
def test_a_transaction_in_another_order_is_seen(
    database: Database, broken: Callable[[Connection], None]
) -> None:
    """In the product's own work: what tests do by themselves is their affair."""

    class Looks:
        name = "look"
        period_seconds = 1.0

        def __init__(self, work: Callable[[Connection], None]) -> None:
            self._work = work

        def reconcile(self) -> Outcome:
            with database.writer() as connection:
                self._work(connection)
            return Outcome()

    def look(work: Callable[[Connection], None]) -> tuple[str, ...]:
        driver = Driver([Looks(work)], clock=SystemClock())
        return driver.run_once("look").outcome.failed

    (said,) = look(broken)
    assert said.startswith("LockOrderError")
    assert look(host_then_run) == ()


def waits_for_a_lock(database: Database) -> bool:
    with database.reader() as connection:
        waiting = connection.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )
        return bool(waiting.scalar())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("action", ["force-lock", "delete"])
def test_a_cancel_and_a_claim_wait_for_each_other_in_no_circle(
    world: World, action: str
) -> None:
    """The claim takes the host and then the run; so must who cancels the run."""
    world.add_ready()
    assert world.client.act("edge-0", "unlock").status == 200
    (run,) = world.runs()
    statuses: list[int] = []

    def ask() -> None:
        if action == "delete":
            answer = world.client.delete("/v1/ihosts/edge-0")
        else:
            answer = world.client.act("edge-0", action)
        statuses.append(answer.status)

    asking = threading.Thread(target=ask)
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.reserve(
            connection, host, owner="c", purpose="test", now=world.clock.now()
        )
        asking.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not waits_for_a_lock(world.database):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert runs.claim(connection, run, owner="c", now=world.clock.now())
    asking.join(PATIENCE_SECONDS)
    assert statuses and statuses[0] != 503
