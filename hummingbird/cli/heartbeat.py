# SPDX-License-Identifier: Apache-2.0
"""`hummingbird heartbeat-list`: who was heard, and when."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List


class HeartbeatList(List):
    """List when each host was last heard, and what that means."""

    examples = ("hummingbird heartbeat-list", "watch -n1 hummingbird heartbeat-list")
    columns = (
        "hostname",
        "liveness",
        "age_seconds",
        "period_seconds",
        "rtt_ms",
        "loss_percent",
        "mtu",
        "beats",
        "uptime",
        "last_heard_at",
        "boot_id",
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return a row a host."""
        found: list[Mapping[str, Any]] = self.client.get(path("heartbeats"))[
            "heartbeats"
        ]
        return found
