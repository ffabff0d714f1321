# SPDX-License-Identifier: Apache-2.0
"""The host's state machine: one row a transition, nothing else decides.

doc/states.md is drawn from TABLE, and a test compares the two.
"""

from enum import StrEnum
from typing import NamedTuple

from hummingbird.domain.host_state import HostState as S
from hummingbird.errors import TransitionRefused


class Event(StrEnum):
    """What can happen to a host."""

    PROVISION = "provision"
    """Unlock of a host that must be provisioned first (or again), or a reinstall."""
    PROVISIONED = "provisioned"
    """The playbook has ended well; the plan is on the host."""
    REINSTALLED = "reinstalled"
    """The playbook has ended well and the host is heard; it was asked to stay locked."""
    PROVISION_FAIL = "provision-fail"
    """The playbook has failed, or its run was cancelled or is no longer tried."""
    ENABLE = "enable"
    """Unlock of a host that is provisioned already."""
    IN_SERVICE = "in-service"
    """Its node is Ready, its agents run, and a heartbeat came."""
    ENABLE_FAIL = "enable-fail"
    """Provisioned, but not Ready or not heard in time: recovery takes it from here."""
    LATE = "late"
    """Two heartbeat periods of silence."""
    SILENT = "silent"
    """Three heartbeat periods of silence."""
    HEARD = "heard"
    """A heartbeat came, and nothing says that its node is not Ready."""
    NOT_READY = "not-ready"
    """A heartbeat came, but Kubernetes says that its node is not Ready."""
    RECOVER = "recover"
    """The next rung of the ladder is to be tried."""
    RECOVER_END = "recover-end"
    """A rung was tried; only a heartbeat says whether it helped."""
    LOCK = "lock"
    """Somebody asked to take it out of service."""
    LOCK_DONE = "lock-done"
    """Its node is cordoned, and drained as far as it could be."""
    LOCK_FAIL = "lock-fail"
    """It could not be cordoned; it is heard, and stays in service."""
    LOCK_FAIL_SILENT = "lock-fail-silent"
    """It could not be cordoned, and is not heard."""
    DELETE = "delete"
    """Somebody asked to retire it."""
    RETIRE_FAIL = "retire-fail"
    """It answers, but what we put on it could not be taken back."""


E = Event


class Row(NamedTuple):
    """One transition."""

    state: S
    event: E
    next: S


# fmt: off
TABLE: tuple[Row, ...] = (
    #   in state             on event            goes to
    Row(S.ADDED,             E.PROVISION,        S.PROVISIONING),
    Row(S.PROVISION_FAILED,  E.PROVISION,        S.PROVISIONING),
    Row(S.LOCKED,            E.PROVISION,        S.PROVISIONING),
    Row(S.PROVISIONING,      E.PROVISIONED,      S.ENABLING),
    Row(S.PROVISIONING,      E.REINSTALLED,      S.LOCKED),
    Row(S.PROVISIONING,      E.PROVISION_FAIL,   S.PROVISION_FAILED),
    Row(S.LOCKED,            E.ENABLE,           S.ENABLING),
    Row(S.ENABLING,          E.IN_SERVICE,       S.ENABLED),
    Row(S.ENABLING,          E.ENABLE_FAIL,      S.LOST),
    Row(S.ENABLED,           E.LATE,             S.DEGRADED),
    Row(S.ENABLED,           E.SILENT,           S.LOST),
    Row(S.DEGRADED,          E.SILENT,           S.LOST),
    Row(S.DEGRADED,          E.HEARD,            S.ENABLED),
    Row(S.LOST,              E.HEARD,            S.ENABLED),
    Row(S.ENABLED,           E.NOT_READY,        S.DEGRADED),
    Row(S.LOST,              E.NOT_READY,        S.DEGRADED),
    Row(S.LOST,              E.RECOVER,          S.RECOVERING),
    Row(S.RECOVERING,        E.RECOVER_END,      S.LOST),
    Row(S.ENABLING,          E.LOCK,             S.LOCKING),
    Row(S.ENABLED,           E.LOCK,             S.LOCKING),
    Row(S.DEGRADED,          E.LOCK,             S.LOCKING),
    Row(S.LOST,              E.LOCK,             S.LOCKING),
    Row(S.RECOVERING,        E.LOCK,             S.LOCKING),
    Row(S.LOCKING,           E.LOCK_DONE,        S.LOCKED),
    Row(S.LOCKING,           E.LOCK_FAIL,        S.ENABLED),
    Row(S.LOCKING,           E.LOCK_FAIL_SILENT, S.LOST),
    Row(S.ADDED,             E.DELETE,           S.RETIRING),
    Row(S.PROVISION_FAILED,  E.DELETE,           S.RETIRING),
    Row(S.LOCKED,            E.DELETE,           S.RETIRING),
    Row(S.RETIRING,          E.RETIRE_FAIL,      S.LOCKED),
)
# fmt: on
_NEXT = {(row.state, row.event): row.next for row in TABLE}


def next_state(state: S, event: E, *, hostname: str) -> S:
    """Return where `event` takes a host in `state`.

    :raises TransitionRefused: the table has no such row.
    """
    to = _NEXT.get((state, event))
    if to is None:
        raise TransitionRefused(hostname=hostname, state=state.value, event=event.value)
    return to


def may(state: S, event: E) -> bool:
    """Return whether the table has a row for `event` in `state`."""
    return (state, event) in _NEXT
