# SPDX-License-Identifier: Apache-2.0
"""`hummingbird facts-show`: what a host's own agent says of it."""

import argparse
from collections.abc import Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import FOR_PEOPLE, Show
from hummingbird.cli.failure import Failure


class FactsShow(Show):
    """Show what a host is made of, and how old that knowledge is."""

    examples = (
        "hummingbird facts-show edge-0",
        "hummingbird facts-show edge-0 --section ports",
        "hummingbird facts-show edge-0 -f json",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument(
            "--section",
            metavar="NAME",
            help="all of one section (a table has the number of its items else)",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the facts."""
        found: dict[str, Any] = self.client.get(path("ihosts", given.host, "facts"))
        facts: dict[str, Any] = found["facts"]
        if given.section is not None:
            if given.section not in facts:
                there = ", ".join(facts)
                raise Failure(f"There is no section {given.section}; there are {there}")
            facts = found["facts"] = {given.section: facts[given.section]}
        if given.formatter not in FOR_PEOPLE:
            return found
        del found["facts"]
        if given.section is None:
            # Its own commands show each; here is how much there is.
            facts = {name: _summary(name, part) for name, part in facts.items()}
        system: dict[str, Any] = facts.pop("system", {})
        return found | system | facts


def _summary(name: str, part: Any) -> Any:
    return part if name == "system" or not isinstance(part, list) else len(part)
