# SPDX-License-Identifier: Apache-2.0
"""`hummingbird network-*`: the networks of hosts, in the words of StarlingX's client.

They are made and changed by emn-add and emn-update.
"""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List, Show


class NetworkList(List):
    """List the networks as StarlingX sees them; emn-list says how each is reached."""

    examples = ("hummingbird network-list",)
    columns = (
        "id",
        "uuid",
        "name",
        "type",
        "dynamic",
        "pool_uuid",
        "primary_pool_family",
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the networks."""
        found: list[Mapping[str, Any]] = self.client.get(path("networks"))["networks"]
        return found


class NetworkShow(Show):
    """Show one network as StarlingX sees it, named by its name, number or uuid."""

    examples = ("hummingbird network-show mn",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("network", metavar="NETWORK")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the network."""
        found: Mapping[str, Any] = self.client.get(path("networks", given.network))
        return found
