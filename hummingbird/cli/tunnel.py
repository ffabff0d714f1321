# SPDX-License-Identifier: Apache-2.0
"""`hummingbird tunnel-*`: the hosts' tunnels, and their keys."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, OfHost, Show
from hummingbird.cli.failure import Failure

_TUNNELS = path("tunnels")


class TunnelList(List):
    """List the tunnels of hosts; ages are in seconds."""

    examples = ("hummingbird tunnel-list", "hummingbird tunnel-list -f json")
    columns = (
        *("hostname", "state", "address", "endpoint", "handshake_age"),
        *("rtt_ms", "loss_percent", "mtu", "received_bytes", "sent_bytes", "key_age"),
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the tunnels."""
        found: list[Mapping[str, Any]] = self.client.get(_TUNNELS)["tunnels"]
        return found


class TunnelShow(OfHost, Show):
    """Show one host's tunnel."""

    examples = ("hummingbird tunnel-show kiosk-7",)

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the tunnel."""
        found: Mapping[str, Any] = self.client.get(path("tunnels", given.host))
        return found


class TunnelRotate(Act):
    """Change the keys of hosts' tunnels, without a cut.

    Each host makes its new key itself; it takes over when the hub has heard it. Keys also
    change by themselves, every [tunnel]rotation_days.
    """

    examples = (
        "hummingbird tunnel-rotate kiosk-7 --wait",
        "hummingbird tunnel-rotate --all",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("hosts", metavar="HOST", nargs="*")
        parser.add_argument(
            "--all", action="store_true", help="of all hosts whose tunnel is up"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="show each step until it is done; Ctrl-C stops only the watching",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Ask for all, then say how to follow, or follow."""
        hosts = list(dict.fromkeys(parsed_args.hosts))
        if bool(hosts) == parsed_args.all:
            raise Failure("Name hosts, or say --all.")
        if parsed_args.all:
            tunnels = self.client.get(_TUNNELS)["tunnels"]
            hosts = [one["hostname"] for one in tunnels if one["is_up"]]
        runs = [self.client.post(path("tunnels", host, "rotate"), {}) for host in hosts]
        if not runs:
            self.say("No tunnel is up.")
        elif parsed_args.wait:
            return self.follow(runs)
        for run in runs:
            self.say(
                f"{run['kind']} of {run['hostname']} is run {run['id']}; follow it:"
                f" hummingbird run-show {run['id']} --follow"
            )
        return 0


class TunnelRevoke(Act):
    """Cut hosts off: the keys of their tunnels are good no more.

    For hosts that were stolen or lost. They stay in the inventory with their addresses; a
    new host-bootstrap lets one come again.
    """

    examples = ("hummingbird tunnel-revoke kiosk-7",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("hosts", metavar="HOST", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Cut them off one by one."""
        for host in dict.fromkeys(parsed_args.hosts):
            self.client.delete(path("tunnels", host))
            self.say(f"{host}: its keys are dead at the hub's next look")
