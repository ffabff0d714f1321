# SPDX-License-Identifier: Apache-2.0
"""`hummingbird application-*`: what is kept installed in Kubernetes for the hosts."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, Show

_APPLICATIONS = path("apps")


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("application", metavar="NAME")


class ApplicationList(List):
    """List what Hummingbird keeps installed in Kubernetes for its hosts."""

    examples = ("hummingbird application-list",)
    columns = ("name", "app_version", "status", "active", "progress")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the applications."""
        found: list[Mapping[str, Any]] = self.client.get(_APPLICATIONS)["apps"]
        return found


class ApplicationShow(Show):
    """Show one application: whether it is applied, and if not, why."""

    examples = ("hummingbird application-show hummingbird-agents",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        _add_name(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the application."""
        found: Mapping[str, Any] = self.client.get(path("apps", given.application))
        return found


class ApplicationApply(Act):
    """Have an application looked at now, and applied where it differs.

    It is applied by itself whenever a host needs it; this is for the impatient.
    """

    examples = ("hummingbird application-apply hummingbird-agents",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        _add_name(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Ask for it."""
        where = path("apps", parsed_args.application) + "?directive=apply"
        found = self.client.patch(where, {"values": {}})
        self.say(f"{found['name']}: is being looked at; it was {found['status']}")
        return 0
