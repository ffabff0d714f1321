# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-history`: what changed of a host, and when."""

import argparse
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import FOR_PEOPLE, List
from hummingbird.clock import SystemClock

_AGE = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class HostHistory(List):
    """List what changed of a host's hardware and software, the latest first.

    seen_at is when the host saw it, which is long before received_at if it was cut off.
    """

    examples = (
        "hummingbird host-history edge-0",
        "hummingbird host-history edge-0 --since 7d --section ports",
        "hummingbird host-history edge-0 --since 2026-03-01 -f json",
    )
    columns = ("seen_at", "section", "item", "from", "to", "received_at")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument(
            "--since",
            metavar="TIME",
            type=since,
            help="only from then on: an ISO 8601 time (UTC if it names no zone), or how"
            " long ago, as in 90m, 12h or 7d",
        )
        parser.add_argument(
            "--limit", type=int, help="the latest so many (default: all that are kept)"
        )
        parser.add_argument(
            "--section", metavar="NAME", help="only these, say ports or system"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the changes."""
        found: list[dict[str, Any]] = self.client.get(
            path("ihosts", given.host, "history"),
            since=given.since,
            limit=given.limit,
            section=given.section,
        )["history"]
        if given.formatter in FOR_PEOPLE:
            return [row | {k: _side(row[k]) for k in ("from", "to")} for row in found]
        return found


def since(text: str, *, now: datetime | None = None) -> str:
    """Return the time that `text` means, in ISO 8601.

    :raises argparse.ArgumentTypeError: it means none.
    """
    if ago := _AGE.fullmatch(text):
        age = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            return ((now or SystemClock().now()) - age).isoformat()
        except OverflowError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is too long ago") from error
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time nor how long ago"
        ) from error
    return text


def _side(value: Any) -> Any:
    return "-" if value is None else value
