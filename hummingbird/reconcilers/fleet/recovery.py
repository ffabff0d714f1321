# SPDX-License-Identifier: Apache-2.0
"""Every lost host that can be helped has its next rung of recovery queued.

Sees what `fleet_view` sees; decides by `domain.recovery`; creates runs and does nothing to a
host itself. It asks a lost host's SSH port no more often than `probe_seconds`, many hosts
at the same time, so that those that are gone do not hold up the others. One that does not
answer there can only be helped by its board management controller. Never acts on a host
whose site is dark, or of which nothing new can be told.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from hummingbird.context import SYSTEM
from hummingbird.db.repository import credential as credential_repository
from hummingbird.db.repository import host as host_repository
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState
from hummingbird.domain.liveness import Liveness
from hummingbird.domain.recovery import Rung
from hummingbird.domain.run import RunKind
from hummingbird.errors import (
    CredentialMissing,
    HostGenerationConflict,
    HostNotFound,
    TransitionRefused,
)
from hummingbird.evaluation.fleet_view import FleetObserver, FleetView
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

PROBES_AT_ONCE: Final = 32
PROBE_TIMEOUT_SECONDS: Final = 3.0
"""A port that answers at all answers within one retransmitted SYN (RFC 6298: 1 s)."""


class Probe(Protocol):
    """Says whether an SSH server answers; adapters/ssh keeps to it."""

    def __call__(self, address: str, *, port: int, timeout_seconds: float) -> bool:
        """Return whether a banner came in time."""


class RecoveryReconciler:
    """Keeps the ladder going."""

    name = "recovery"

    def __init__(
        self,
        observer: FleetObserver,
        *,
        ladder: Ladder,
        box: SecretBox,
        probe: Probe,
        probe_seconds: float,
        period_seconds: float,
        nudge_runs: Callable[[], None],
    ) -> None:
        self._observer = observer
        self._ladder = ladder
        self._box = box
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._nudge_runs = nudge_runs
        self._probed_at: dict[int, float] = {}
        self._lock = threading.Lock()
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at every lost host; queue what the ladder says for those that answer."""
        view = self._observer.look(everywhere=False)
        lost = [host for host in view.hosts if _may_act(host, view)]
        with self._observer.database.reader() as connection:
            decisions = self._ladder.decide(connection, lost, view=view)
        wanted = [host for host in lost if decisions[host.hostname].rung is not None]
        due = [host for host in wanted if self._is_due(host)]
        self._forget({host.id for host in view.hosts})
        said: list[str] = []
        for host, answers in zip(due, self._answers(due), strict=True):
            decision = decisions[host.hostname]
            rung = decision.rung if answers else decision.without_ssh
            if rung is not None and self._queue(host, rung):
                said.append(f"{host.hostname}: {rung}")
        if said:
            self._nudge_runs()
        return Outcome(looked_at=len(lost), changed=tuple(said))

    def _is_due(self, host: Host) -> bool:
        last = self._probed_at.get(host.id)
        now = self._observer.clock.monotonic()
        if last is not None and now - last < self._probe_seconds:
            return False
        self._probed_at[host.id] = now
        return True

    def _forget(self, known: set[int]) -> None:
        for host_id in self._probed_at.keys() - known:
            del self._probed_at[host_id]

    def _answers(self, due: Sequence[Host]) -> list[bool]:
        if not due:
            return []
        ports = [self._port(host) for host in due]
        with self._observer.database.reader() as connection:
            inside = {
                host.id: tunnel_repository.of_host(connection, host.id) for host in due
            }

        def ask(item: tuple[Host, int | None]) -> bool:
            host, port = item
            if port is None:
                return False
            tunnel = inside[host.id]
            addresses = (
                (host.mgmt_ip, host.underlay) if tunnel is None else (tunnel.address,)
            )
            return any(
                self._probe(address, port=port, timeout_seconds=PROBE_TIMEOUT_SECONDS)
                for address in addresses
                if address is not None
            )

        with ThreadPoolExecutor(min(PROBES_AT_ONCE, len(due))) as pool:
            return list(pool.map(ask, zip(due, ports, strict=True)))

    def _port(self, host: Host) -> int | None:
        try:
            with self._observer.database.reader() as connection:
                return credential_repository.of_host(
                    connection, host, box=self._box
                ).port
        except CredentialMissing:
            return None

    def _queue(self, host: Host, rung: Rung) -> bool:
        now = self._observer.clock.now()
        try:
            with self._observer.database.writer() as connection:
                host_repository.move(
                    connection, host, Event.RECOVER, now=now, task=None
                )
                run_repository.create(
                    connection,
                    host_uuid=host.uuid,
                    hostname=host.hostname,
                    kind=RunKind.RECOVER,
                    requested_by=SYSTEM.user,
                    now=now,
                    rung=rung.value,
                )
        except (HostGenerationConflict, HostNotFound, TransitionRefused):
            return False
        return True


def _may_act(host: Host, view: FleetView) -> bool:
    verdict = view.verdicts[host.hostname]
    return (
        host.state is HostState.LOST
        and host.reservation_owner is None
        and verdict.liveness is Liveness.LOST
        and not verdict.carried
        and not verdict.site_dark
    )
