# SPDX-License-Identifier: Apache-2.0
"""`hummingbird event-suppress`, `event-unsuppress`, `event-suppress-list`: alarm ids that
nobody wants to see in the lists."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List
from hummingbird.cli.failure import Failure

_SUPPRESSIONS = path("event_suppression")


class EventSuppress(Act):
    """Leave alarms of these ids out of the lists and the summary.

    They are raised and cleared all the same.
    """

    examples: ClassVar[tuple[str, ...]] = ("hummingbird event-suppress 200.001",)
    status: ClassVar[str] = "suppressed"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "alarm_ids", metavar="ALARM_ID", nargs="+", help="such as 200.001"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change them one by one; none if one is unknown."""
        rows = self.client.get(_SUPPRESSIONS)["event_suppression"]
        uuids = {row["alarm_id"]: row["uuid"] for row in rows}
        for alarm_id in parsed_args.alarm_ids:
            if alarm_id not in uuids:
                raise Failure(
                    f"There is no alarm {alarm_id}; those that there are:"
                    " hummingbird event-suppress-list --all"
                )
        change = {
            "op": "replace",
            "path": "/suppression_status",
            "value": self.status,
        }
        for alarm_id in parsed_args.alarm_ids:
            self.client.patch(path("event_suppression", uuids[alarm_id]), [change])
            self.say(f"{alarm_id}: {self.status}")


class EventUnsuppress(EventSuppress):
    """List alarms of these ids again."""

    examples = ("hummingbird event-unsuppress 200.001",)
    status = "unsuppressed"


class EventSuppressList(List):
    """List the alarm ids that are suppressed."""

    examples = (
        "hummingbird event-suppress-list",
        "hummingbird event-suppress-list --all",
    )
    columns = ("alarm_id", "suppression_status", "description")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--all", action="store_true", help="those that are not, too"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the rows."""
        found: list[Mapping[str, Any]]
        found = self.client.get(_SUPPRESSIONS)["event_suppression"]
        return [
            row
            for row in found
            if given.all or row["suppression_status"] == "suppressed"
        ]
