# SPDX-License-Identifier: Apache-2.0
"""Runs: one provisioning, locking, recovery, power cycle or retirement of a host.

A run is a row before anything is done, so that a request once accepted is never lost:
the conductor takes queued runs from the database, whoever told it or nobody did.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hummingbird.domain.hearing import Moment
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import HostState


class RunKind(StrEnum):
    """What a run is for."""

    UNLOCK = "unlock"
    LOCK = "lock"
    FORCE_LOCK = "force-lock"
    REINSTALL = "reinstall"
    REBOOT = "reboot"
    RESET = "reset"
    POWER_ON = "power-on"
    POWER_OFF = "power-off"
    RECOVER = "recover"
    RETIRE = "retire"
    ROTATE = "rotate"


class RunState(StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    """Accepted; a conductor will take it. Also: taken over from a dead conductor."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Overtaken by a later request (a lock while it unlocked)."""


ENDED: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})

PROVISION_STEPS: Final = (
    "connect",
    "node_config",
    "tunnel",
    "vxlan",
    "container_runtime",
    "kubernetes_node",
    "images",
    "agents",
)
"""The playbook's roles, in order, after the way in is open (paper section 2.3)."""

SERVICE_STEPS: Final = ("node_ready", "agents_ready", "heartbeat")
"""What must be seen of a provisioned host before it counts as one."""

STEPS: Final[dict[RunKind, tuple[str, ...]]] = {
    RunKind.UNLOCK: (*PROVISION_STEPS, *SERVICE_STEPS),
    RunKind.LOCK: ("cordon", "drain"),
    RunKind.FORCE_LOCK: ("cordon",),
    RunKind.REINSTALL: (*PROVISION_STEPS, *SERVICE_STEPS),
    RunKind.REBOOT: ("connect", "reboot"),
    RunKind.RESET: ("connect", "reset", "boot"),
    RunKind.POWER_ON: ("connect", "power_on", "boot"),
    RunKind.POWER_OFF: ("connect", "shutdown", "power_off"),
    RunKind.RECOVER: (
        "connect",
        "restart_services",
        "reboot",
        "board_reset",
        "heartbeat",
        "node_ready",
    ),
    RunKind.ROTATE: ("connect", "offer", "switch"),
    RunKind.RETIRE: ("drain", "node_object", "connect", "undo", "forget"),
}
"""What a run of each kind may go through, in order; it may skip some."""


_SETBACK: Final[dict[RunKind, dict[HostState, Event]]] = {
    RunKind.UNLOCK: {
        HostState.PROVISIONING: Event.PROVISION_FAIL,
        HostState.ENABLING: Event.ENABLE_FAIL,
    },
    RunKind.LOCK: {HostState.LOCKING: Event.LOCK_FAIL},
    RunKind.FORCE_LOCK: {HostState.LOCKING: Event.LOCK_FAIL},
    RunKind.REINSTALL: {HostState.PROVISIONING: Event.PROVISION_FAIL},
    RunKind.REBOOT: {},
    RunKind.RESET: {},
    RunKind.POWER_ON: {},
    RunKind.POWER_OFF: {},
    RunKind.RECOVER: {HostState.RECOVERING: Event.RECOVER_END},
    RunKind.ROTATE: {},
    RunKind.RETIRE: {HostState.RETIRING: Event.RETIRE_FAIL},
}


PROVISIONS: Final = frozenset({RunKind.UNLOCK, RunKind.REINSTALL})
"""Runs that may play the whole playbook."""

HELPED_IN_SERVICE: Final = frozenset({HostState.ENABLED, HostState.DEGRADED})
"""A host that is heard is recovered in the state in which it is."""

POWER: Final = frozenset(
    {RunKind.REBOOT, RunKind.RESET, RunKind.POWER_ON, RunKind.POWER_OFF}
)
"""Runs that leave the host in the state in which it is."""


def setback(kind: RunKind, state: HostState, *, heard: bool) -> Event | None:
    """Return what happens to a host in `state` when a run of `kind` ends without having
    reached its aim; None: the host is in the hands of a later request already.

    :param heard: whether its heartbeats come.
    """
    event = _SETBACK[kind].get(state)
    if event is Event.LOCK_FAIL and not heard:
        return Event.LOCK_FAIL_SILENT
    return event


class StepState(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """A step that must not be done twice: written down before it is done, so that whoever
    goes on with the run asks the host about it first."""

    step: str
    boot_id: str | None
    """The boot that the host was in before; None: not known."""
    at: datetime
    clock: float | None = None
    """The same on the listening clock (domain/hearing.py); None: a release before wrote
    it down."""

    @property
    def moment(self) -> Moment:
        """When it was written down."""
        return Moment(self.at, self.clock)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run, as stored. It outlives its host, so it keeps the hostname."""

    id: int
    uuid: str
    host_uuid: str
    hostname: str
    kind: RunKind
    state: RunState
    requested_by: str
    """User name of who asked, or "hummingbird" where it acted by itself."""
    rung: str | None
    """For a recovery: which rung of the ladder."""
    attempt: int
    """1, and one more each time a conductor took it over from a dead one."""
    owner: str | None
    """The conductor that works on it."""
    current_step: str | None
    changed: int | None
    """Tasks that changed something on the host; None: no playbook has run."""
    error_code: str | None
    error: str | None
    cancel_requested: bool
    instruction: Instruction | None = None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One thing that happened in a run; `id` grows, so followers ask for what is after."""

    id: int
    run_id: int
    at: datetime
    step: str
    state: str
    """A StepState for a step's own begin and end; "ok", "changed", "skipped", "failed",
    "unreachable" for a task of it; "info" for a remark."""
    task: str | None
    message: str
    duration_seconds: float | None
