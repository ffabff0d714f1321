# SPDX-License-Identifier: Apache-2.0
"""What was last heard of a host."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The last word of one host's mtc-client."""

    host_id: int
    last_heard_at: datetime
    period_seconds: float
    """What the host was told; its silence is measured by this."""
    boot_id: str
    uptime_seconds: int
    beats: int
    """Beats heard since the first, retransmissions not counted."""


@dataclass(frozen=True, kw_only=True)
class AgentSession:
    """One agent's right to speak for one host, until `expires_at`.

    Its key is not stored: every gateway derives it from the deployment's own secret.
    """

    id: int
    host_id: int
    hostname: str
    agent: str
    """"mtc-client" or "sysinv-agent"."""
    node_uid: str
    pod_uid: str
    expires_at: datetime
    last_sequence: int
    """Highest datagram number known to have been accepted; lower ones are replays."""
