# SPDX-License-Identifier: Apache-2.0
"""`hummingbird firewall-show`: what firewalls have to let through."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List


class FirewallShow(List):
    """Show which ports have to be open, and in which direction.

    outside: for each firewall between a site and the controller, and both ends' own;
    inside: a tunnel carries it, so for both ends' own alone.
    """

    examples = (
        "hummingbird firewall-show",
        "hummingbird firewall-show --attachment wireguard -f json",
    )
    columns = (
        "attachment",
        "where",
        "from",
        "to",
        "protocol",
        "port",
        "needed",
        "why",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--attachment",
            choices=("direct", "routed", "vxlan", "wireguard", "wireguard+vxlan"),
            help="only for networks that are attached like this",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the rules."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("firewall"), attachment=given.attachment
        )["rules"]
        return found
