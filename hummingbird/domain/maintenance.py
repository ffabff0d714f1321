# SPDX-License-Identifier: Apache-2.0
"""What a maintenance action (lock, unlock, reboot…) means for a host: a pure function.

The refusals are those of StarlingX, in its words where it has them (StarlingX config
sysinv/api/controllers/v1/host.py); what follows an accepted action is ours. Who asks
does not matter: the words that StarlingX's own VIM and maintenance send are unknown here,
whatever program they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hummingbird.domain.board import board_of
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import UNLOCKED, HostState
from hummingbird.domain.run import PROVISIONS, Run, RunKind
from hummingbird.errors import (
    ActionRefused,
    ActionUnknown,
    AddressMissing,
    AlreadyLocked,
    AlreadyUnlocked,
    BoardMissing,
    DeleteOfUnlocked,
    HostBusy,
    NotLocked,
)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What an accepted action does, all of it in one transaction."""

    event: Event | None = None
    """How the host moves; None: it stays."""
    run: RunKind | None = None
    """The run to queue."""
    cancel: bool = False
    """Whether the host's unfinished runs are asked to stop first."""
    removed: bool = False
    """Nothing was ever put on it: the host goes at once."""
    needs_way_in: bool = False
    """Whether the run gets into the host, and so needs a credential."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What else changes in the host."""


_WORDS: Final = {
    "force-unlock": "unlock",
    "force-unsafe-lock": "force-lock",
    "force-swact": "swact",
}
"""Actions of StarlingX's clients that mean the same here."""

_TASK: Final = {
    "unlock": "Unlocking",
    "force-unlock": "Force Unlocking",
    "lock": "Locking",
    "force-lock": "Force Locking",
    "force-unsafe-lock": "Unsafely Force Locking",
    "reinstall": "Reinstalling",
    "reboot": "Rebooting",
    "reset": "Resetting",
    "power-on": "Powering-on",
    "power-off": "Powering-off",
}
"""What a host's task says from the moment on in which an action was accepted (StarlingX's
ACTIONS_TO_TASK_DISPLAY_CHOICES)."""

_POWER: Final = {
    "reboot": (RunKind.REBOOT, "Reboot"),
    "reset": (RunKind.RESET, "Reset"),
    "power-on": (RunKind.POWER_ON, "Power-On"),
    "power-off": (RunKind.POWER_OFF, "Power-Off"),
}
"""Actions that switch a host's power: their runs, and their names in refusals."""

_IN_TRANSIT: Final = {
    HostState.PROVISIONING: "unlock",
    HostState.LOCKING: "lock",
    HostState.RETIRING: "retire",
}
"""States in which another lock or unlock must wait, and what is going on there."""


def canonical(action: str) -> str:
    """Return the one name of `action`."""
    return _WORDS.get(action, action)


def decide(host: Host, action: str, *, unfinished: Sequence[Run] = ()) -> Decision:
    """Return what `action` does to `host`.

    :param action: as StarlingX's clients send it in /action.
    :param unfinished: the host's queued and running runs, the latest first.
    :raises ActionUnknown, ActionRefused, AlreadyLocked, AlreadyUnlocked, NotLocked,
        AddressMissing, BoardMissing, HostBusy: it may not be done now.
    """
    name = canonical(action)
    if name == "unlock":
        return _unlock(host, action=action, unfinished=unfinished)
    if name in ("lock", "force-lock"):
        return _lock(host, action=action, unfinished=unfinished)
    if name == "reinstall":
        return _reinstall(host, unfinished=unfinished)
    if name in _POWER:
        return _power(host, action=name, unfinished=unfinished)
    if name == "swact":
        raise ActionRefused(
            message=f"Swact action not allowed for non controller host {host.hostname}."
        )
    raise ActionUnknown(action=action)


def decide_delete(host: Host, *, unfinished: Sequence[Run] = ()) -> Decision:
    """Return what deleting `host` does.

    :raises DeleteOfUnlocked, HostBusy: it may not be deleted now.
    """
    if host.state in (HostState.PROVISIONING, HostState.RETIRING):
        raise _busy(host, unfinished)
    if host.state in UNLOCKED:
        raise DeleteOfUnlocked(hostname=host.hostname)
    if host.state is HostState.ADDED and not host.touched:
        return Decision(removed=True, cancel=True)
    return Decision(
        event=Event.DELETE,
        run=RunKind.RETIRE,
        cancel=True,
        values={"action": "delete", "task": None},
    )


def _unlock(host: Host, *, action: str, unfinished: Sequence[Run]) -> Decision:
    if host.state in _IN_TRANSIT:
        raise _busy(host, unfinished)
    if host.state in UNLOCKED:
        raise AlreadyUnlocked(hostname=host.hostname)
    if any(run.kind is RunKind.POWER_OFF for run in unfinished):
        raise _busy(host, unfinished)
    if host.powered_off and action == "unlock":
        raise ActionRefused(
            message=(
                f"Can not 'Unlock a Powered-Off' host {host.hostname}; Power-on, wait "
                "for 'online' status and then 'unlock'"
            )
        )
    if host.mgmt_ip is None:
        raise AddressMissing(hostname=host.hostname)
    provisioned = host.state is HostState.LOCKED and host.provisioned_plan is not None
    return Decision(
        event=Event.ENABLE if provisioned else Event.PROVISION,
        run=RunKind.UNLOCK,
        needs_way_in=True,
        values=_accepted(action),
    )


def _lock(host: Host, *, action: str, unfinished: Sequence[Run]) -> Decision:
    force = canonical(action) == "force-lock"
    if host.state is HostState.PROVISIONING and force:
        # The run stops at its next step and says that it was cancelled.
        return Decision(cancel=True, values={"action": action})
    if host.state in _IN_TRANSIT:
        raise _busy(host, unfinished)
    if host.state not in UNLOCKED:
        raise AlreadyLocked(hostname=host.hostname)
    return Decision(
        event=Event.LOCK,
        run=RunKind.FORCE_LOCK if force else RunKind.LOCK,
        cancel=True,
        values=_accepted(action),
    )


def _reinstall(host: Host, *, unfinished: Sequence[Run]) -> Decision:
    _require_locked(host, action="Reinstall", unfinished=unfinished)
    if host.mgmt_ip is None:
        raise AddressMissing(hostname=host.hostname)
    if unfinished:
        raise _busy(host, unfinished)
    return Decision(
        event=Event.PROVISION,
        run=RunKind.REINSTALL,
        needs_way_in=True,
        values={**_accepted("reinstall"), "provisioned_plan": None},
    )


def _power(host: Host, *, action: str, unfinished: Sequence[Run]) -> Decision:
    kind, word = _POWER[action]
    if action == "power-on" and host.state in UNLOCKED:
        raise ActionRefused(
            message=(
                f"Can not '{word}' an already Powered-on and 'unlocked' host "
                f"{host.hostname}"
            )
        )
    _require_locked(host, action=word, unfinished=unfinished)
    by_board = action != "reboot" and board_of(host) is not None
    if not by_board and action == "power-on":
        raise BoardMissing(action=word, hostname=host.hostname)
    if not by_board and host.state is not HostState.LOCKED:
        raise ActionRefused(
            message=(
                f"Can not '{word}' host {host.hostname}: it is not provisioned, so "
                "there is no proven way into it; unlock it first."
            )
        )
    if any(run.kind is kind or run.kind in PROVISIONS for run in unfinished):
        raise _busy(host, unfinished)
    # What waits for a host that does not come back must not hold up its reset.
    return Decision(
        run=kind,
        cancel=bool(unfinished),
        needs_way_in=not by_board,
        values=_accepted(action),
    )


def _accepted(action: str) -> dict[str, object]:
    return {"action": action, "task": _TASK[action]}


def _require_locked(host: Host, *, action: str, unfinished: Sequence[Run]) -> None:
    if host.state in UNLOCKED:
        raise NotLocked(action=action, hostname=host.hostname)
    if host.state in _IN_TRANSIT:
        raise _busy(host, unfinished)


def _busy(host: Host, unfinished: Sequence[Run]) -> HostBusy:
    if unfinished:
        run = unfinished[0]
        return HostBusy(hostname=host.hostname, purpose=f"{run.kind} run {run.id}")
    purpose = host.reservation_purpose or _IN_TRANSIT.get(host.state, "a run")
    return HostBusy(hostname=host.hostname, purpose=purpose)
