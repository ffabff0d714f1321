# SPDX-License-Identifier: Apache-2.0
"""`hummingbird up`: the one command that is a server, not a client of one.

The server's modules are imported when it runs and not before: no other command pays
for them.
"""

import argparse
import logging
from collections.abc import Sequence
from typing import Any

from hummingbird.cli.command import Act


class _PassOn(argparse.ArgumentParser):
    """Leaves every option that it does not know to the server."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Return the namespace, with the unknown words as `server_argv`."""
        known: argparse.Namespace
        known, rest = self.parse_known_args(args, namespace)
        known.server_argv = rest
        return known


class ServerCommand(Act):
    """One that reads the servers' configuration files."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.__class__ = _PassOn
        parser.add_argument(
            "--config-file",
            action="append",
            default=[],
            metavar="FILE",
            help="configuration file; may be repeated (default:"
            " /etc/hummingbird/hummingbird.conf where it exists)",
        )
        return parser

    def server_words(self, parsed_args: argparse.Namespace) -> list[str]:
        """Return what the server's own parser is to read."""
        state = getattr(self.app.options, "state_directory", None)
        where = [] if state is None else ["--state_directory", str(state)]
        files = [word for file in parsed_args.config_file for word in _option(file)]
        return [*files, *where, *parsed_args.server_argv]


class Up(ServerCommand):
    """Run API, conductor and gateway in this one process, on SQLite.

    The cluster is the one of KUBECONFIG or of [kubernetes]kubeconfig; without one the
    inventory works and an unlock says what is missing.  Ctrl-C ends it.  All options of
    the servers are taken: hummingbird-api --help lists them.
    """

    examples = (
        "hummingbird up",
        "KUBECONFIG=~/.kube/config hummingbird up",
        "hummingbird up --config-file hummingbird.conf",
    )

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Run the servers until they are told to end."""
        # alembic tells of each of its plugins while it is imported.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        from hummingbird.cmd.up import main

        return main(self.server_words(parsed_args))


def _option(file: str) -> list[str]:
    return ["--config-file", file]
