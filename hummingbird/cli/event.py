# SPDX-License-Identifier: Apache-2.0
"""`hummingbird event-list`: what happened."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.alarm import concerns
from hummingbird.cli.client import path
from hummingbird.cli.command import List


class EventList(List):
    """List what happened, the latest first: alarms set and cleared, and other events."""

    examples = (
        "hummingbird event-list",
        "hummingbird event-list --host edge-0 --limit 100",
    )
    columns = (
        "timestamp",
        "state",
        "event_log_id",
        "reason_text",
        "entity_instance_id",
        "severity",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", help="of those, only this host's")
        parser.add_argument(
            "--limit", type=int, default=50, help="the latest so many (default: 50)"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the events."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("event_log"), limit=given.limit
        )["event_log"]
        return [event for event in found if concerns(event, host=given.host)]
