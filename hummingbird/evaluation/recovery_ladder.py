# SPDX-License-Identifier: Apache-2.0
"""What the recovery ladder says of each lost host: its past runs in, a decision out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hummingbird.db.repository import run as run_repository
from hummingbird.db.session import Connection
from hummingbird.domain.board import board_of
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.recovery import Attempt, Decision, Limits, Rung, next_rung
from hummingbird.domain.run import RunKind, RunState
from hummingbird.evaluation.fleet_view import FleetView


@dataclass(frozen=True)
class Ladder:
    """The limits, and whether recovery acts at all."""

    limits: Limits
    enabled: bool
    by_board: bool = True
    """Whether a host may be reset by its board management controller."""

    def decide(
        self, connection: Connection, hosts: Iterable[Host], *, view: FleetView
    ) -> dict[str, Decision]:
        """Return what to do about each of `hosts`, which are lost, by host name."""
        lost = list(hosts)
        if not lost:
            return {}
        if not self.enabled:
            off = Decision(None, False, "recovery is switched off")
            return {host.hostname: off for host in lost}
        attempts: dict[str, list[Attempt]] = defaultdict(list)
        for run in run_repository.list_all(
            connection, kind=RunKind.RECOVER, since=view.now - self.limits.window
        ):
            attempts[run.host_uuid].append(
                Attempt(
                    rung=Rung(run.rung or Rung.RESTART_SERVICES),
                    queued_at=run.queued_at,
                    ended_at=run.ended_at,
                    succeeded=run.state is RunState.SUCCEEDED,
                )
            )
        return {
            host.hostname: next_rung(
                attempts[host.uuid],
                lost_since=_lost_since(host, view=view),
                now=view.now,
                limits=self.limits,
                has_board=self.by_board and board_of(host) is not None,
            )
            for host in lost
        }

    def given_up(self, connection: Connection, *, view: FleetView) -> frozenset[str]:
        """Return the names of the lost hosts that no rung is left for."""
        lost = [host for host in view.hosts if host.state is HostState.LOST]
        decisions = self.decide(connection, lost, view=view)
        return frozenset(name for name, said in decisions.items() if said.given_up)


def _lost_since(host: Host, *, view: FleetView) -> datetime:
    """Return the last word of `host`: every rung tried after it was for this loss."""
    heartbeat = view.heartbeats.get(host.id)
    return host.created_at if heartbeat is None else heartbeat.last_heard_at
