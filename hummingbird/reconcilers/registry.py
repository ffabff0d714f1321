# SPDX-License-Identifier: Apache-2.0
"""Every reconciler there is, in one table, and who looks after whom."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hummingbird.adapters.bmc.board import Boards
from hummingbird.adapters.kubernetes.cluster import Cluster
from hummingbird.db.session import Database
from hummingbird.domain.recovery import Limits
from hummingbird.evaluation.fleet_view import FleetObserver
from hummingbird.evaluation.recovery_ladder import Ladder
from hummingbird.evaluation.restart_ladder import RestartLadder
from hummingbird.reconcilers.base import Reconciler
from hummingbird.reconcilers.driver import Driver
from hummingbird.reconcilers.fleet.agent import AgentReconciler
from hummingbird.reconcilers.fleet.alarm import AlarmReconciler
from hummingbird.reconcilers.fleet.board import BoardReconciler
from hummingbird.reconcilers.fleet.lease import FleetLease, Led
from hummingbird.reconcilers.fleet.liveness import LivenessReconciler
from hummingbird.reconcilers.fleet.node import NodeReconciler
from hummingbird.reconcilers.fleet.orphan import OrphanReconciler
from hummingbird.reconcilers.fleet.readiness import ReadinessReconciler
from hummingbird.reconcilers.fleet.recovery import Probe, RecoveryReconciler
from hummingbird.reconcilers.fleet.service import ServiceReconciler
from hummingbird.reconcilers.machine.link import LinkReconciler
from hummingbird.secretbox import SecretBox

FOLLOWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "lease": (
        *("liveness", "alarm", "recovery", "node", "board"),
        *("agent", "plan", "trace", "readiness", "service", "fault_forward"),
    ),
    "link": ("liveness", "alarm"),
    "liveness": ("alarm", "recovery", "node", "fault_forward"),
    "alarm": ("fault_forward",),
    "board": ("alarm",),
    "node": ("liveness", "alarm", "readiness"),
    "service": ("alarm",),
    "readiness": ("trace", "alarm"),
    "recovery": ("trace",),
    "trace": ("recovery", "readiness", "alarm"),
    "tunnel": ("forwarding",),
    "vxlan": ("forwarding",),
}
"""Whoever stands on the right looks again when the one on the left changed something."""

RECOVERY_PERIOD_SECONDS: Final = 5.0
NODE_PERIOD_SECONDS: Final = 30.0
ORPHAN_PERIOD_SECONDS: Final = 10.0
AGENT_PERIOD_SECONDS: Final = 30.0
OWN_ADDRESS_PERIOD_SECONDS: Final = 60.0
FORWARDING_PERIOD_SECONDS: Final = 60.0
BOARD_PERIOD_SECONDS: Final = 10.0
SERVICE_PERIOD_SECONDS: Final = 10.0
"""Guesses, each short against what a person notices and long against its cost; runs and
the followers above nudge, so that these are for changes made by others."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the reconcilers are made of."""

    observer: FleetObserver
    cluster: Cluster
    agent: AgentReconciler
    box: SecretBox
    probe: Probe
    boards: Boards
    board_check_seconds: float
    limits: Limits
    recovery_enabled: bool
    board_reset: bool
    probe_seconds: float
    liveness_seconds: float
    lease_seconds: float
    max_attempts: int
    process: str
    """This conductor's name among processes."""
    fleet_lease_seconds: float
    service_down_seconds: float = 60.0
    in_hand: Callable[[], tuple[str, frozenset[int]]]
    nudge_runs: Callable[[], None]
    fleet: Callable[[Database], tuple[Reconciler, ...]] = lambda _database: ()
    """Makes those of the fleet that not everybody has; what they write goes through the
    database that they are given."""
    machine: tuple[Reconciler, ...] = ()
    """Those of this machine's own network and of its own work."""


def build(parts: Parts) -> Driver:
    """Return a driver of all reconcilers, not started."""
    clock = parts.observer.clock
    lease = FleetLease(
        parts.observer.database,
        clock=clock,
        owner=parts.process,
        seconds=parts.fleet_lease_seconds,
    )
    fenced = lease.fenced(parts.observer.database)
    led = (*_of_the_fleet(parts, fenced), parts.agent, *parts.fleet(fenced))
    of_fleet = {one.name for one in led}
    return Driver(
        (
            lease,
            *(Led(one, lease=lease) for one in led),
            LinkReconciler(
                parts.observer.own_links, period_seconds=parts.liveness_seconds
            ),
            OrphanReconciler(
                parts.observer.database,
                clock=clock,
                lease_seconds=parts.lease_seconds,
                max_attempts=parts.max_attempts,
                period_seconds=ORPHAN_PERIOD_SECONDS,
                in_hand=parts.in_hand,
                nudge_runs=parts.nudge_runs,
            ),
            *parts.machine,
        ),
        clock=clock,
        followers=FOLLOWERS,
        at_end=lease.release,
        acts=lambda name: name not in of_fleet or lease.is_held(),
    )


def _of_the_fleet(parts: Parts, database: Database) -> tuple[Reconciler, ...]:
    """Return the reconcilers of which one conductor's act at a time.

    :param database: writes only while this conductor is that one.
    """
    observer = replace(parts.observer, database=database)
    ladder = Ladder(
        parts.limits, enabled=parts.recovery_enabled, by_board=parts.board_reset
    )
    restarts = RestartLadder(parts.limits, enabled=parts.recovery_enabled)
    return (
        LivenessReconciler(observer, period_seconds=parts.liveness_seconds),
        AlarmReconciler(
            observer,
            ladder=ladder,
            restarts=restarts,
            period_seconds=parts.liveness_seconds,
        ),
        ServiceReconciler(
            database,
            clock=observer.clock,
            observer=parts.process,
            down_seconds=parts.service_down_seconds,
            period_seconds=SERVICE_PERIOD_SECONDS,
        ),
        ReadinessReconciler(
            database,
            clock=observer.clock,
            ladder=restarts,
            period_seconds=RECOVERY_PERIOD_SECONDS,
            nudge_runs=parts.nudge_runs,
        ),
        RecoveryReconciler(
            observer,
            ladder=ladder,
            box=parts.box,
            probe=parts.probe,
            probe_seconds=parts.probe_seconds,
            period_seconds=RECOVERY_PERIOD_SECONDS,
            nudge_runs=parts.nudge_runs,
        ),
        NodeReconciler(
            database,
            clock=observer.clock,
            cluster=parts.cluster,
            period_seconds=NODE_PERIOD_SECONDS,
            observer=parts.process,
        ),
        BoardReconciler(
            database,
            clock=observer.clock,
            boards=parts.boards,
            box=parts.box,
            check_seconds=parts.board_check_seconds,
            period_seconds=BOARD_PERIOD_SECONDS,
            observer=parts.process,
        ),
    )
