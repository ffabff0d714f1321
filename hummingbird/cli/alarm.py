# SPDX-License-Identifier: Apache-2.0
"""`hummingbird alarm-*`: what is wrong right now."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List, Show


class AlarmList(List):
    """List the alarms that stand."""

    examples = ("hummingbird alarm-list", "hummingbird alarm-list --host edge-0")
    columns = (
        "alarm_id",
        "reason_text",
        "entity_instance_id",
        "severity",
        "timestamp",
        "uuid",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", help="only this host's")
        parser.add_argument(
            "--include-suppressed", action="store_true", help="also suppressed ones"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the alarms."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("alarms"), include_suppress=given.include_suppressed or None
        )["alarms"]
        return [alarm for alarm in found if concerns(alarm, host=given.host)]


class AlarmShow(Show):
    """Show one alarm, named by its uuid."""

    examples = ("hummingbird alarm-show 7a4f2c1e-…",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("alarm", metavar="UUID")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the alarm."""
        found: Mapping[str, Any] = self.client.get(path("alarms", given.alarm))
        return found


def concerns(item: Mapping[str, Any], *, host: str | None) -> bool:
    """Whether an alarm or event is about a host; all are when no host is given.

    The entity is `host=NAME`, perhaps with `.PART=…` after it (StarlingX fm-doc
    events.yaml), so a name that only begins alike is another host's.
    """
    entity = str(item.get("entity_instance_id", ""))
    return host is None or f"{entity}.".startswith(f"host={host}.")
