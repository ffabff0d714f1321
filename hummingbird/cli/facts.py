# SPDX-License-Identifier: Apache-2.0
"""`hummingbird facts-show`: what a host's own agent says of it."""

import argparse
from collections.abc import Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Show


class FactsShow(Show):
    """Show what a host is made of, and how old that knowledge is."""

    examples = (
        "hummingbird facts-show edge-0",
        "hummingbird facts-show edge-0 -f json",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the facts."""
        found: dict[str, Any] = self.client.get(path("ihosts", given.host, "facts"))
        if given.formatter in ("table", "value"):
            facts: dict[str, Any] = found.pop("facts")
            return found | facts
        return found
