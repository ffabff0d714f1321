# SPDX-License-Identifier: Apache-2.0
"""What a maintenance action (lock, unlock, reboot…) means for a host: a pure function.

The refusals are those of StarlingX, in its words where it has them (StarlingX config
sysinv/api/controllers/v1/host.py); what follows an accepted action is ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.host_state import UNLOCKED, HostState
from hummingbird.domain.run import Run, RunKind
from hummingbird.errors import (
    ActionRefused,
    ActionUnknown,
    AddressMissing,
    AlreadyLocked,
    AlreadyUnlocked,
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
    values: Mapping[str, object] = field(default_factory=dict)
    """What else changes in the host."""


_WORDS: Final = {
    "force-unlock": "unlock",
    "force-unsafe-lock": "force-lock",
    "force-swact": "swact",
}
"""Actions of StarlingX's clients that mean the same here."""

_POWER: Final = {"reset": "Reset", "power-on": "Power-On", "power-off": "Power-Off"}

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
    :param unfinished: the host's queued and running runs.
    :raises ActionUnknown, ActionRefused, AlreadyLocked, AlreadyUnlocked, NotLocked,
        AddressMissing, HostBusy: it may not be done now.
    """
    name = canonical(action)
    if name == "unlock":
        return _unlock(host, unfinished=unfinished)
    if name in ("lock", "force-lock"):
        return _lock(host, force=name == "force-lock", unfinished=unfinished)
    if name == "reboot":
        return _reboot(host, unfinished=unfinished)
    if name == "reinstall":
        return _reinstall(host, unfinished=unfinished)
    if name == "swact":
        raise ActionRefused(
            message=f"Swact action not allowed for non controller host {host.hostname}."
        )
    if name in _POWER:
        raise _power_refused(host, action=name)
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


def _unlock(host: Host, *, unfinished: Sequence[Run]) -> Decision:
    if host.state in _IN_TRANSIT:
        raise _busy(host, unfinished)
    if host.state in UNLOCKED:
        raise AlreadyUnlocked(hostname=host.hostname)
    if host.mgmt_ip is None:
        raise AddressMissing(hostname=host.hostname)
    provisioned = host.state is HostState.LOCKED and host.provisioned_plan is not None
    return Decision(
        event=Event.ENABLE if provisioned else Event.PROVISION,
        run=RunKind.UNLOCK,
        values={"action": "unlock", "task": None},
    )


def _lock(host: Host, *, force: bool, unfinished: Sequence[Run]) -> Decision:
    action = "force-lock" if force else "lock"
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
        values={"action": action, "task": None},
    )


def _reboot(host: Host, *, unfinished: Sequence[Run]) -> Decision:
    _require_locked(host, action="Reboot", unfinished=unfinished)
    if host.state is not HostState.LOCKED:
        raise ActionRefused(
            message=(
                f"Can not 'Reboot' host {host.hostname}: it is not provisioned, so "
                "there is no proven way into it; unlock it first."
            )
        )
    if any(run.kind is RunKind.REBOOT for run in unfinished):
        raise _busy(host, unfinished)
    return Decision(run=RunKind.REBOOT, values={"action": "reboot", "task": None})


def _reinstall(host: Host, *, unfinished: Sequence[Run]) -> Decision:
    _require_locked(host, action="Reinstall", unfinished=unfinished)
    return Decision(
        values={"action": "reinstall", "provisioned_plan": None, "task": None}
    )


def _require_locked(host: Host, *, action: str, unfinished: Sequence[Run]) -> None:
    if host.state in UNLOCKED:
        raise NotLocked(action=action, hostname=host.hostname)
    if host.state in _IN_TRANSIT:
        raise _busy(host, unfinished)


def _power_refused(host: Host, *, action: str) -> ActionRefused | NotLocked:
    word = _POWER[action]
    if host.state in UNLOCKED:
        if action == "power-on":
            return ActionRefused(
                message=(
                    "Can not 'Power-On' an already Powered-on and 'unlocked' host "
                    f"{host.hostname}"
                )
            )
        return NotLocked(action=word, hostname=host.hostname)
    return ActionRefused(
        message=(
            f"Can not '{word}' host {host.hostname}: Hummingbird does not drive board "
            "management controllers; use host-reboot."
        )
    )


def _busy(host: Host, unfinished: Sequence[Run]) -> HostBusy:
    if unfinished:
        run = unfinished[0]
        return HostBusy(hostname=host.hostname, purpose=f"{run.kind} run {run.id}")
    purpose = host.reservation_purpose or _IN_TRANSIT.get(host.state, "a run")
    return HostBusy(hostname=host.hostname, purpose=purpose)
