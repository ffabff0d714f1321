# SPDX-License-Identifier: Apache-2.0
"""What the recovery ladder says of each lost host: its past runs and the trace of the way
to it in, a decision out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import trace as trace_repository
from hummingbird.db.repository.trace import StoredTrace
from hummingbird.db.session import Connection
from hummingbird.domain.board import board_of
from hummingbird.domain.finding import Finding
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.recovery import (
    HELP,
    Attempt,
    Decision,
    Help,
    Limits,
    Rung,
    next_rung,
)
from hummingbird.domain.run import Run, RunKind, RunState
from hummingbird.evaluation.fleet_view import FleetView

TRACE_GOOD: Final = timedelta(minutes=10)
"""A guess: what a trace said of a way is looked at again after that; a person who opens a
port waits so long at most, and a login each ten minutes costs a small box nothing."""


@dataclass(frozen=True)
class Traced:
    """What the last trace of the way to a lost host leaves to be tried."""

    help: Help
    finding: str
    """What was found, in a few words."""
    is_fresh: bool
    """Whether it may be acted on; else it is to be looked at again."""


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
        attempts = self._attempts(connection, lost, view=view)
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

    def traced(
        self, connection: Connection, hosts: Iterable[Host], *, view: FleetView
    ) -> dict[str, Traced]:
        """Return what the trace of the way to each of `hosts` leaves to be tried, by host
        name; hosts whose last trace is of before their loss or their last attempt are left
        out."""
        lost = list(hosts)
        traces = trace_repository.of_hosts(connection, [host.id for host in lost])
        attempts = self._attempts(connection, lost, view=view)
        found: dict[str, Traced] = {}
        for host in lost:
            trace = traces.get(host.id)
            if trace is None or not trace.body:
                continue
            ends = [a.ended_at for a in attempts[host.uuid] if a.ended_at is not None]
            if trace.requested_at >= max([_lost_since(host, view=view), *ends]):
                found[host.hostname] = _traced(trace, now=view.now)
        return found

    def given_up(self, connection: Connection, *, view: FleetView) -> Mapping[str, str]:
        """Return the lost hosts that nothing is left to be tried on: host name -> what was
        tried, or why nothing was, in a sentence."""
        lost = [host for host in view.hosts if host.state is HostState.LOST]
        if not lost or not self.enabled:
            return {}
        decisions = self.decide(connection, lost, view=view)
        said = {
            name: f"Tried without success: {_listed(decision.tried)}."
            for name, decision in decisions.items()
            if decision.given_up
        }
        for name, traced in self.traced(connection, lost, view=view).items():
            if traced.help is Help.NONE:
                said[name] = (
                    f"Nothing was restarted: {traced.finding} (hummingbird host-trace)."
                )
        return said

    def _attempts(
        self, connection: Connection, lost: Iterable[Host], *, view: FleetView
    ) -> Mapping[str, list[Attempt]]:
        """Return the recovery runs of each host, by its uuid: those of its loss, and of
        the last day."""
        attempts: dict[str, list[Attempt]] = defaultdict(list)
        uuids = {host.uuid for host in lost}
        if not uuids:
            return attempts
        first = min(_lost_since(host, view=view) for host in lost)
        for run in run_repository.of_hosts(
            connection,
            uuids,
            kind=RunKind.RECOVER,
            since=min(first, view.now - self.limits.day),
        ):
            attempts[run.host_uuid].append(_attempt(run))
        return attempts


def _attempt(run: Run) -> Attempt:
    return Attempt(
        rung=Rung(run.rung or Rung.RESTART_SERVICES),
        queued_at=run.queued_at,
        ended_at=run.ended_at,
        succeeded=run.state is RunState.SUCCEEDED,
    )


def _traced(trace: StoredTrace, *, now: datetime) -> Traced:
    finding = str(trace.body.get("finding", ""))
    try:
        help_left = HELP[Finding(finding)]
    except ValueError:
        # A finding of another version of this program: nothing is restarted by it.
        help_left = Help.NONE
    is_fresh = trace.done_at is not None and now - trace.requested_at < TRACE_GOOD
    return Traced(help_left, finding.replace("_", " "), is_fresh)


def _listed(tried: Iterable[Rung]) -> str:
    return ", ".join(rung.value for rung in tried) or "nothing in this loss"


def _lost_since(host: Host, *, view: FleetView) -> datetime:
    """Return the last word of `host`: every rung tried after it was for this loss."""
    heartbeat = view.heartbeats.get(host.id)
    return host.created_at if heartbeat is None else heartbeat.last_heard_at
