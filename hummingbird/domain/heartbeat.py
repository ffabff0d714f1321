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
    rtt_seconds: float | None = None
    """From a datagram of the host to our answer there, smoothed; None: not known yet, like
    all that follows."""
    sent: int | None = None
    """Datagrams that the host sent for its last beats."""
    lost: int | None = None
    """Those of them that it got no answer to."""
    path_mtu: int | None = None
    """The largest packet that the host sends us in one piece, in bytes: as its tunnel, its
    link or the routers on the way have it."""
    heard_seconds: float | None = None
    """When it was heard, on the listening clock (domain/hearing.py), by which alone its
    silence is measured; `last_heard_at` is for people. None: it is not known."""
    gateway: str = ""
    """Name of the gateway that heard it; or that gave the host's agent its last session."""

    @property
    def loss(self) -> float | None:
        """The share of datagrams that were lost, there or back: 0 to 1."""
        if not self.sent or self.lost is None:
            return None
        return self.lost / self.sent


@dataclass(frozen=True, kw_only=True)
class AgentSession:
    """One agent's right to speak for one host, until `expires_at`.

    Its key is not stored: every gateway derives it from the deployment's own secret and
    the nonce (gateway/keys.py).
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
    nonce: str | None = None
    """32 hex digits; None: a gateway of a release before gave it."""
