# SPDX-License-Identifier: Apache-2.0
"""`hummingbird service-*`: Hummingbird's own processes, named as OpenStack names its own."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List


class ServiceList(List):
    """List Hummingbird's own processes: conductors, gateways and APIs, up or down.

    silent_seconds is for how long the API that answers has seen no sign of life, by its own
    clock. The leader is the conductor that judges, raises alarms and recovers. What is
    down is an alarm (400.001) until it is back or deleted.
    """

    examples = ("hummingbird service-list", "hummingbird service-list -f json")
    columns = (
        "name",
        "binary",
        "host",
        "state",
        "silent_seconds",
        "version",
        "leader",
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the processes."""
        found: list[Mapping[str, Any]] = self.client.get(path("processes"))["processes"]
        return found


class ServiceDelete(Act):
    """Forget processes that are down and gone for good, and with them their alarms.

    With a conductor go its controller's links. One that is up is refused; one that comes
    back is listed again.
    """

    examples = ("hummingbird service-delete controller-1.conductor",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "names", metavar="NAME", nargs="+", help="as service-list names it"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Forget them one by one."""
        for name in dict.fromkeys(parsed_args.names):
            self.client.delete(path("processes", name))
            self.say(f"{name}: deleted")
        return 0
