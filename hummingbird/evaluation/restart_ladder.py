# SPDX-License-Identifier: Apache-2.0
"""Which hosts are heard and not Ready, and what is left to be tried on them: past runs and
the trace of each in, a decision out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hummingbird.db.repository import condition, fleet, neighbour_condition
from hummingbird.db.repository import run as run_repository
from hummingbird.db.repository import trace as trace_repository
from hummingbird.db.repository.condition import Unready
from hummingbird.db.session import Connection
from hummingbird.domain.condition import KUBERNETES, STALE_MIN, Status, is_common
from hummingbird.domain.finding import Finding
from hummingbird.domain.recovery import HELP, Attempt, Decision, Help, Limits, Rung
from hummingbird.domain.restart import next_restart
from hummingbird.domain.run import RunKind, RunState
from hummingbird.evaluation.recovery_ladder import TRACE_GOOD

OFF: Final = "recovery is switched off"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One host that is heard and not Ready."""

    unready: Unready
    decision: Decision
    help: Help | None
    """What the trace of the way to it leaves to be tried; None: it is to be traced first."""

    @property
    def is_given_up(self) -> bool:
        """Whether nothing is left to be tried."""
        return self.decision.given_up or self.help in (Help.NONE, Help.BY_BOARD)


@dataclass(frozen=True)
class RestartLadder:
    """The limits, and whether recovery acts at all."""

    limits: Limits
    enabled: bool

    def is_common(self, connection: Connection, *, count: int) -> bool:
        """Return whether so many nodes are not Ready that their cause is not on the hosts.

        :param count: of hosts that are heard and not Ready.
        """
        return count >= STALE_MIN and is_common(
            not_ready=count, nodes=fleet.count_in_service(connection)
        )

    def is_untold(self, connection: Connection) -> bool:
        """Return whether what Kubernetes says of nodes means nothing now."""
        kubernetes = neighbour_condition.find(connection, KUBERNETES)
        return kubernetes is not None and kubernetes.status is not Status.TRUE

    def cases(
        self, connection: Connection, *, seen: Mapping[int, float], now: datetime
    ) -> list[Case]:
        """Return the hosts that are heard and not Ready, by id.

        :param seen: host id -> for how many seconds who asks has seen it so.
        """
        unready = condition.unready(connection)
        if not unready:
            return []
        attempts = self._attempts(connection, unready, now=now)
        helps = self._helps(connection, unready, attempts, now=now)
        return [
            Case(
                unready=one,
                decision=(
                    next_restart(
                        attempts[one.host_uuid],
                        since=one.since,
                        unready_seconds=seen.get(one.host_id, 0.0),
                        now=now,
                        limits=self.limits,
                    )
                    if self.enabled
                    else Decision(None, True, OFF)
                ),
                help=helps.get(one.host_id),
            )
            for one in unready
        ]

    def _attempts(
        self, connection: Connection, unready: list[Unready], *, now: datetime
    ) -> Mapping[str, list[Attempt]]:
        found: dict[str, list[Attempt]] = defaultdict(list)
        first = min([now - self.limits.day, *(one.since for one in unready)])
        uuids = {one.host_uuid for one in unready}
        for run in run_repository.list_all(
            connection, kind=RunKind.RECOVER, since=first
        ):
            if run.host_uuid in uuids:
                found[run.host_uuid].append(
                    Attempt(
                        rung=Rung(run.rung or Rung.RESTART_SERVICES),
                        queued_at=run.queued_at,
                        ended_at=run.ended_at,
                        succeeded=run.state is RunState.SUCCEEDED,
                    )
                )
        return found

    def _helps(
        self,
        connection: Connection,
        unready: list[Unready],
        attempts: Mapping[str, list[Attempt]],
        *,
        now: datetime,
    ) -> dict[int, Help]:
        """Return what fresh traces leave to be tried, by host id: none of before the node
        was not Ready, or of before the last attempt."""
        traces = trace_repository.of_hosts(connection, [one.host_id for one in unready])
        found: dict[int, Help] = {}
        for one in unready:
            trace = traces.get(one.host_id)
            if trace is None or trace.done_at is None or not trace.body:
                continue
            ends = [
                a.ended_at for a in attempts[one.host_uuid] if a.ended_at is not None
            ]
            is_after = trace.requested_at >= max([one.since, *ends])
            if is_after and now - trace.requested_at < TRACE_GOOD:
                found[one.host_id] = _help(str(trace.body.get("finding", "")))
        return found


def _help(finding: str) -> Help:
    try:
        return HELP[Finding(finding)]
    except ValueError:
        # A finding of another version of this program: nothing is restarted by it.
        return Help.NONE
