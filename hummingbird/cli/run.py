# SPDX-License-Identifier: Apache-2.0
"""`hummingbird run-*`: what the server does to hosts, and did."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List, Show


class RunList(List):
    """List runs, the latest first."""

    examples = (
        "hummingbird run-list",
        "hummingbird run-list --host edge-0 --state failed",
    )
    columns = (
        "id",
        "hostname",
        "kind",
        "state",
        "current_step",
        "changed",
        "queued_at",
        "ended_at",
        "error",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", help="only this host's")
        parser.add_argument(
            "--state",
            choices=("queued", "running", "succeeded", "failed", "cancelled"),
            help="only those in this state",
        )
        parser.add_argument(
            "--limit", type=int, default=20, help="at most so many (default: 20)"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the runs."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("runs"), host=given.host, state=given.state, limit=given.limit
        )["runs"]
        return found


class RunShow(Show):
    """Show one run; with --follow, its steps as they happen.

    A run is named by its number, its uuid, or a host's name: that host's latest.  The
    exit status of --follow is 1 if the run did not succeed.
    """

    examples = (
        "hummingbird run-show 12",
        "hummingbird run-show edge-0 --follow",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("run", metavar="RUN", help="number, uuid or host name")
        parser.add_argument(
            "--follow", action="store_true", help="watch it until it has ended"
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Follow the run instead of showing it, if that is asked for."""
        if parsed_args.follow:
            return self.follow([self.find(parsed_args)])
        return super().run(parsed_args)

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the run."""
        found: Mapping[str, Any] = self.client.get(path("runs", given.run))
        return found
