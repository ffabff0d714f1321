# SPDX-License-Identifier: Apache-2.0
"""Where a host is in its life: the states, a sentence each, and their named groups."""

from enum import StrEnum


class HostState(StrEnum):
    """Where a host is in its life."""

    ADDED = "added"
    """Known by name; nothing has been put on it."""

    PROVISIONING = "provisioning"
    """A run is making it a Kubernetes node. Silence does not end this."""

    PROVISION_FAILED = "provision-failed"
    """The last provisioning did not finish; unlock resumes it and converges."""

    ENABLING = "enabling"
    """Provisioned; its node is being uncordoned and its first heartbeat awaited."""

    ENABLED = "enabled"
    """In service and heard from."""

    DEGRADED = "degraded"
    """In service, but its heartbeats are late (200.005) or its node not Ready (200.006)."""

    LOST = "lost"
    """In service by intent, but silent for the whole allowance (200.005 critical)."""

    RECOVERING = "recovering"
    """Lost, and a rung of the recovery ladder is being tried."""

    LOCKING = "locking"
    """Its node is being cordoned and drained."""

    LOCKED = "locked"
    """Out of service on purpose (200.001); stays provisioned and keeps its place."""

    RETIRING = "retiring"
    """Being undone: drained, its node object removed, our changes taken back."""


UNLOCKED = frozenset(
    {
        HostState.ENABLING,
        HostState.ENABLED,
        HostState.DEGRADED,
        HostState.LOST,
        HostState.RECOVERING,
        HostState.LOCKING,
    }
)
"""Seen from outside as administrative=unlocked."""

AT_REST = frozenset({HostState.ADDED, HostState.PROVISION_FAILED, HostState.LOCKED})
"""Locked, and no run has its state: its power may be switched."""

WATCHED = frozenset(
    {HostState.ENABLED, HostState.DEGRADED, HostState.LOST, HostState.RECOVERING}
)
"""Its silence means something: alarms stand and recovery acts."""

BUSY = frozenset(
    {
        HostState.PROVISIONING,
        HostState.ENABLING,
        HostState.RECOVERING,
        HostState.LOCKING,
        HostState.RETIRING,
    }
)
"""A run works on it; a dead conductor's run is resumed, never left."""
