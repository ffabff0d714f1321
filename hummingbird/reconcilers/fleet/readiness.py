# SPDX-License-Identifier: Apache-2.0
"""Every host that is heard and whose node is long not Ready has its services restarted.

Sees the hosts' conditions; decides by `domain.restart`; creates runs and does nothing to a
host itself. Before anything is restarted the way to the host is traced: where Kubernetes
can't be reached from there, or nobody can log in, nothing is. Acts on no host while
Kubernetes itself can't tell how nodes are, or while so many are not Ready at once that the
cause is its control plane or its network plugin. For how long a node is not Ready is
counted by this conductor's own clock, from when it first saw it so.
"""

from collections.abc import Callable

from hummingbird.clock import Clock
from hummingbird.context import SYSTEM
from hummingbird.db.repository import condition
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import trace as trace_repository
from hummingbird.db.session import Database
from hummingbird.domain.host_state import HostState
from hummingbird.domain.recovery import Help, Rung
from hummingbird.domain.run import RunKind
from hummingbird.domain.unchanged import Unchanged
from hummingbird.errors import HostGenerationConflict, HostNotFound
from hummingbird.evaluation.restart_ladder import Case, RestartLadder
from hummingbird.reconcilers.base import Outcome


class ReadinessReconciler:
    """Has the services of hosts restarted whose nodes are not Ready."""

    name = "readiness"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        ladder: RestartLadder,
        period_seconds: float,
        nudge_runs: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ladder = ladder
        self._nudge_runs = nudge_runs
        self._unchanged: Unchanged[int] = Unchanged()
        self.period_seconds = period_seconds

    def forget(self) -> None:
        """Count anew for how long nodes are not Ready."""
        self._unchanged = Unchanged()

    def reconcile(self) -> Outcome:
        """Look at the hosts that are heard and not Ready; queue what is left to try."""
        monotonic = self._clock.monotonic()
        with self._database.snapshot() as connection:
            unready = condition.unready(connection)
            self._unchanged.keep({one.host_id for one in unready})
            if not unready:
                return Outcome()
            seen = {
                one.host_id: self._unchanged.seconds(
                    one.host_id, one.since, monotonic=monotonic
                )
                for one in unready
            }
            if self._ladder.is_untold(connection) or self._ladder.is_common(
                connection, count=len(unready)
            ):
                # Nor does it count for how long: it is Kubernetes' time, not the hosts'.
                self._unchanged = Unchanged()
                return Outcome(looked_at=len(unready))
            cases = self._ladder.cases(connection, seen=seen, now=self._clock.now())
        said = [word for case in cases for word in self._act(case)]
        if any(word.endswith(Rung.RESTART_SERVICES) for word in said):
            self._nudge_runs()
        return Outcome(looked_at=len(cases), changed=tuple(said))

    def _act(self, case: Case) -> list[str]:
        host, rung = case.unready, case.decision.rung
        if rung is None or host.is_reserved:
            return []
        if case.help is None:
            return self._ask_for_trace(case)
        if case.help is Help.BY_SSH and self._queue(case, rung):
            return [f"{host.hostname}: {rung.value}"]
        return []

    def _ask_for_trace(self, case: Case) -> list[str]:
        host_id, now = case.unready.host_id, self._clock.now()
        with self._database.reader() as connection:
            known = trace_repository.of_host(connection, host_id)
        if known is not None and known.done_at is None:
            return []
        with self._database.writer() as connection:
            trace_repository.ask(connection, host_id, now=now)
        return [f"{case.unready.hostname}: the way to it is traced first"]

    def _queue(self, case: Case, rung: Rung) -> bool:
        now = self._clock.now()
        try:
            with self._database.writer() as connection:
                host = host_repository.get(connection, case.unready.host_id)
                if host.state is not HostState.DEGRADED or host.reservation_owner:
                    return False
                # Whoever asks for something else at the same time goes first.
                host_repository.change(connection, host, now=now, task=None)
                run_repository.create(
                    connection,
                    host_uuid=host.uuid,
                    hostname=host.hostname,
                    kind=RunKind.RECOVER,
                    requested_by=SYSTEM.user,
                    now=now,
                    rung=rung.value,
                )
        except (HostGenerationConflict, HostNotFound):
            return False
        return True
