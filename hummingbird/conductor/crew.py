# SPDX-License-Identifier: Apache-2.0
"""Takes queued runs from the database and works on them, each in a thread of its own.

What is queued is in the database alone: a lost nudge delays a run by one poll and loses
nothing. One run a host at a time, in the order in which they were asked for; at most
`workers` at once. It does not decide whether this conductor may still work: `fenced` and
`stopping` are set by the service.
"""

import logging
import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hummingbird.conductor.membership import Membership
from hummingbird.conductor.neighbours import Neighbours
from hummingbird.conductor.task import HostTask
from hummingbird.conductor.workflow import WORKFLOWS
from hummingbird.context import CURRENT, SYSTEM
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import process
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Connection
from hummingbird.domain.host import Host
from hummingbird.domain.run import Run, RunState
from hummingbird.domain.wireguard import STALE_HANDSHAKE_SECONDS
from hummingbird.errors import HostBusy, HostNotFound, HummingbirdError
from hummingbird.evaluation.life_signs import LifeSigns

LOG = logging.getLogger(__name__)

_PAGE_LEAST: Final = 20
"""Queued runs that are read at once, at least."""
JOIN_SECONDS: Final = 20.0
"""How long `stop` waits for the runs: a playbook's processes are given 15 s to end."""


class Crew:
    """The workers of one life of a conductor."""

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        membership: Membership,
        workers: int,
        poll_seconds: float,
    ) -> None:
        self.owner = membership.owner
        self._membership = membership
        self.stopping = threading.Event()
        self.fenced = membership.fence
        self._neighbours = neighbours
        self._workers = workers
        self._poll_seconds = poll_seconds
        self._signs = LifeSigns(lease_seconds=neighbours.patience.lease)
        self._nudged = threading.Event()
        self._lock = threading.Lock()
        self._working: set[int] = set()
        self._threads: set[threading.Thread] = set()
        self._looking: threading.Thread | None = None

    def start(self) -> None:
        """Begin to take runs."""
        self._looking = threading.Thread(target=self._loop, name="runs", daemon=True)
        self._looking.start()

    def nudge(self) -> None:
        """Look for queued runs now."""
        self._nudged.set()

    def stop(self) -> None:
        """Take no more runs, give back those in hand, return when all threads ended."""
        self.stopping.set()
        self._join()

    def fence(self) -> None:
        """Stop at once and write nothing more: another conductor has the work."""
        self._membership.lower_fence()
        self._join()

    def in_hand(self) -> frozenset[int]:
        """Return the ids of the runs that threads of ours work on."""
        with self._lock:
            return frozenset(self._working)

    def take_queued(self) -> int:
        """Claim what is queued and free; return how many runs were begun."""
        begun, after_id = 0, 0
        while not self._is_ending():
            free = self._workers - len(self.in_hand())
            if free <= 0:
                break
            page = max(free, _PAGE_LEAST)
            queued, others = self._look(after_id=after_id, limit=page)
            for run in queued:
                if self._is_ending() or len(self.in_hand()) >= self._workers:
                    return begun
                if run.host_uuid not in others:
                    begun += self._take(run)
            if len(queued) < page:
                break
            after_id = queued[-1].id
        return begun

    def _look(self, *, after_id: int, limit: int) -> tuple[list[Run], frozenset[str]]:
        """Return queued runs that may begin, and the hosts that are others' to reach."""
        asked_at = self._neighbours.clock.monotonic()
        with self._neighbours.database.snapshot() as connection:
            queued = run_repository.next_queued(
                connection, after_id=after_id, limit=limit
            )
            hosts = {run.host_uuid for run in queued}
            others = self._heard_by_others(connection, hosts, asked_at=asked_at)
        return queued, others

    def _heard_by_others(
        self, connection: Connection, hosts: Collection[str], *, asked_at: float
    ) -> frozenset[str]:
        """Return those of the hosts that only another living controller reaches now."""
        if not hosts:
            return frozenset()
        now = self._neighbours.clock.now()
        heard = tunnel_repository.heard_elsewhere(
            connection,
            hosts,
            controller=self._neighbours.controller,
            since=now - timedelta(seconds=STALE_HANDSHAKE_SECONDS),
        )
        if not heard:
            return frozenset()
        conductors = process.list_all(connection, kind="conductor")
        alive = {one.name for one in self._signs.alive(conductors, asked_at=asked_at)}
        return frozenset(
            uuid for uuid, name in heard.items() if f"{name}.conductor" in alive
        )

    def _is_ending(self) -> bool:
        return self.stopping.is_set() or self.fenced.is_set()

    def _take(self, run: Run) -> bool:
        """Reserve the host and claim the run; return whether both are ours."""
        # In hand before it is claimed: a run of ours that is not in hand has lost its
        # thread, and the orphan reconciler takes it.
        with self._lock:
            self._working.add(run.id)
        taken: tuple[Run, Host] | None = None
        try:
            taken = self._claim(run)
        except (HostBusy, _Overtaken):
            pass
        finally:
            if taken is None:
                self._done(run.id)
        if taken is None:
            return False
        thread = threading.Thread(
            target=self._work, args=taken, name=f"run-{run.id}", daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return True

    def _claim(self, run: Run) -> tuple[Run, Host] | None:
        now = self._neighbours.clock.now()
        with self._neighbours.database.writer() as connection:
            if not self._membership.holds(connection):
                raise _Overtaken
            try:
                host = host_repository.find(connection, run.host_uuid)
            except HostNotFound as error:
                run_repository.finish(
                    connection,
                    run,
                    state=RunState.FAILED,
                    now=now,
                    error_code=error.code,
                    error=f"Host {run.hostname} is gone.",
                )
                return None
            if host.reservation_owner is not None:
                raise HostBusy(hostname=host.hostname, purpose=host.reservation_purpose)
            host = host_repository.reserve(
                connection,
                host,
                owner=self.owner,
                purpose=f"{run.kind} run {run.uuid}",
                now=now,
            )
            if not run_repository.claim(connection, run, owner=self.owner, now=now):
                raise _Overtaken
            return run_repository.find(connection, run.uuid), host

    def _work(self, run: Run, host: Host) -> None:
        # The thread is this run's alone.
        CURRENT.set(replace(SYSTEM, request_id=f"run-{run.uuid}"))
        try:
            with HostTask(
                run,
                host,
                owner=self.owner,
                neighbours=self._neighbours,
                stopping=self.stopping,
                fenced=self.fenced,
            ) as task:
                task.begin()
                WORKFLOWS[run.kind](task)
        finally:
            self._done(run.id)
            with self._lock:
                self._threads.discard(threading.current_thread())
            # The host's next run may have waited for this one.
            self.nudge()

    def _done(self, run_id: int) -> None:
        with self._lock:
            self._working.discard(run_id)

    def _loop(self) -> None:
        told = ""
        while not self._is_ending():
            self._nudged.clear()
            try:
                self.take_queued()
                told = ""
            except HummingbirdError as error:
                if told != str(error):
                    told = str(error)
                    LOG.warning("Queued runs can't be read: %s", error)
            except Exception:
                LOG.exception("Taking queued runs broke")
            self._neighbours.clock.wait(self._nudged, seconds=self._poll_seconds)

    def _join(self) -> None:
        self._nudged.set()
        deadline = self._neighbours.clock.monotonic() + JOIN_SECONDS
        if self._looking is not None:
            self._looking.join(JOIN_SECONDS)
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            left = deadline - self._neighbours.clock.monotonic()
            thread.join(max(0.1, left))
            if thread.is_alive():
                LOG.error("%s does not end", thread.name)


class _Overtaken(Exception):
    """Another conductor claimed the run between the look and the claim, or has this
    one's name."""
