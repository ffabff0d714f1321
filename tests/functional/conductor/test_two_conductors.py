# SPDX-License-Identifier: Apache-2.0
"""Two conductors on one PostgreSQL, each by a path of its own, in real time.

Whatever happens to the first one's path, at most one of the two is at work on a host, and
the second one ends the run. The playbooks are pretended ones; what happens to real ones
is in tests/contract/test_playbook_lease.py.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.clock import SystemClock
from hummingbird.conductor.service import ConductorService
from hummingbird.db.session import Database, Limits
from hummingbird.domain.run import RunState
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.orphan import OrphanReconciler
from tests.fakes.ansible_runner import FakeRunner
from tests.fakes.tcp_proxy import TcpProxy, Way
from tests.fakes.world import World
from tests.postgresql_server import PostgresqlServer

LEASE_SECONDS = 8.0
LIMITS = Limits(connect=2.0, statement=3.0, lock=2.0, idle=3.0, pool=2.0)
PATIENCE_SECONDS = 150.0


class Site:
    """Where playbooks play: knows who is at work on a host at the same time."""

    def __init__(self) -> None:
        self.runner = FakeRunner()
        self.most = 0
        self._at_work: list[tuple[str, Guarded]] = []
        self._lock = threading.Lock()

    def at_work(self, host: str) -> int:
        """How many playbooks there are on `host` that no guard has ended."""
        return sum(name == host and not by.is_over() for name, by in self._at_work)

    def begin(self, host: str, by: "Guarded") -> None:
        with self._lock:
            self._at_work.append((host, by))
            self.most = max(self.most, self.at_work(host))

    def end(self, host: str, by: "Guarded") -> None:
        with self._lock:
            self._at_work.remove((host, by))


class Guarded:
    """One conductor's runner: its playbooks are over when their lease is, as their guards
    see to it, whatever the thread that waits for them does."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._until: dict[str, float] = {}

    def allow(self, life: str, seconds: float) -> None:
        self._until = {life: time.monotonic() + seconds}

    def is_over(self) -> bool:
        return all(time.monotonic() >= until for until in self._until.values())

    def run(self, playbook: str, **arguments: Any) -> PlaybookResult:
        host = arguments["hostname"]
        self._site.begin(host, self)
        try:
            return self._site.runner.run(playbook, **arguments)
        finally:
            self._site.end(host, self)


class Conductor:
    """One conductor with its own path to the database."""

    def __init__(
        self, world: World, server: PostgresqlServer, site: Site, name: str
    ) -> None:
        runner = Guarded(site)
        self.proxy = TcpProxy(server.socket)
        self.database = Database(server.url_by(self.proxy.port), limits=LIMITS)
        clock = SystemClock()
        neighbours = replace(
            world.neighbours,
            database=self.database,
            clock=clock,
            runner=runner,
            allow_playbooks=runner.allow,
            patience=replace(world.patience, lease=LEASE_SECONDS),
            nudge=lambda name: None,
            look=lambda name: None,
        )
        self.service = ConductorService(
            neighbours,
            name=name,
            workers=2,
            poll_seconds=0.2,
            lease_seconds=LEASE_SECONDS,
            max_attempts=50,
        )
        orphan = OrphanReconciler(
            self.database,
            clock=clock,
            lease_seconds=LEASE_SECONDS,
            max_attempts=50,
            period_seconds=0.5,
            in_hand=self.service.in_hand,
            nudge_runs=self.service.nudge,
        )
        self.service.start(Driver([orphan], clock=clock))

    def stop(self) -> None:
        self.proxy.turn(Way.PASS)
        self.service.stop()
        self.database.dispose()
        self.proxy.stop()


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer) -> Iterator[World]:
    postgresql_server.empty()
    database = Database(postgresql_server.url("migrated"))
    world = World(database)
    world.add("edge-0", "192.168.204.101")
    yield world
    database.dispose()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", [Way.SILENT, Way.RESET])
def test_a_conductor_that_is_cut_off_stops_before_its_peer_begins(
    postgresql: World, postgresql_server: PostgresqlServer, way: Way
) -> None:
    site = Site()
    site.runner.hold("edge-0", "images")
    run = postgresql.unlock("edge-0")
    first = Conductor(postgresql, postgresql_server, site, "controller-0.conductor")
    second: Conductor | None = None
    try:
        site.runner.wait_until_held("edge-0", "images")
        second = Conductor(
            postgresql, postgresql_server, site, "controller-1.conductor"
        )
        first.proxy.turn(way)
        # Its playbook stands before a step: what ends it is its fence, not the database.
        wait(lambda: site.at_work("edge-0") == 0)
        site.runner.release("edge-0", "images")
        wait(lambda: postgresql.run(run.uuid).attempt > 1)
        wait(lambda: len(site.runner.calls) > 1)
        assert site.most == 1
        # It comes back as a new life, which takes nothing away from the other.
        first.proxy.turn(Way.PASS)
        wait(lambda: first.service.in_hand()[0])
        wait(lambda: postgresql.run(run.uuid).state is not RunState.QUEUED)
        assert site.most == 1
    finally:
        first.stop()
        if second is not None:
            second.stop()
