# SPDX-License-Identifier: Apache-2.0
"""`hummingbird deployment-…`: what the controllers of a deployment share.

Run on a controller, as the user of its processes; they work on its state directory and
its database, not through the API. The server's modules are imported when one runs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hummingbird.cli.command import Act
from hummingbird.cli.failure import Failure

if TYPE_CHECKING:
    from hummingbird.conf import Conf


class _OnController(Act):
    """A command that works where the processes' state is."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser, with --config-file."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--config-file",
            action="append",
            default=[],
            metavar="FILE",
            help="configuration file of the processes; may be repeated (default:"
            " /etc/hummingbird/hummingbird.conf where it exists)",
        )
        return parser

    def done(
        self, parsed_args: argparse.Namespace, work: Callable[["Conf"], Any]
    ) -> Any:
        """Return what `work` does with the configuration.

        :raises Failure: it refuses.
        """
        from hummingbird.conf import load
        from hummingbird.errors import HummingbirdError

        words = [
            word for file in parsed_args.config_file for word in ("--config-file", file)
        ]
        try:
            return work(load(words, prog="hummingbird"))
        except HummingbirdError as error:
            raise Failure(str(error), code=error.code) from error


class DeploymentExport(_OnController):
    """Write this deployment's sealing key to a file, for its next controller.

    The file opens every secret in the database: carry it as you would a password, and
    remove it when it has been taken in.
    """

    examples = ("hummingbird deployment-export /root/deployment.json",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="a new file, of mode 0600"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Write it."""
        from hummingbird.cmd.deployment import export_key

        identity = self.done(
            parsed_args, lambda conf: export_key(conf, parsed_args.file)
        )
        self.say(f"{parsed_args.file} has the sealing key of deployment {identity}.")
        self.say("On the next controller, before a process is started there:")
        self.say(f"  hummingbird deployment-import {parsed_args.file.name}")


class DeploymentImport(_OnController):
    """Take in what deployment-export wrote on another controller.

    From the next start on the processes here belong to that deployment: its authority,
    its gateways' secret and its token come from the database.
    """

    examples = (
        "hummingbird deployment-import deployment.json",
        "hummingbird deployment-import deployment.json --replace",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--replace",
            action="store_true",
            help="where this controller has the key of another deployment: keep that as"
            " secret.key.before-import, and take this one",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take it in."""
        from hummingbird.cmd.deployment import import_key

        identity = self.done(
            parsed_args,
            lambda conf: import_key(
                conf, parsed_args.file, replaces=parsed_args.replace
            ),
        )
        self.say(
            f"This controller belongs to deployment {identity} now. Start its processes,"
            f" and remove {parsed_args.file}."
        )


class DeploymentRotate(_OnController):
    """Make one thing that the controllers share anew.

    authority: the certificates' authority. Restart the conductors, which tell the agents
    of both, and when the agents have been rolled out, the gateways and APIs.
    gateway-key: what agents' sessions are derived from. Restart each gateway; agents get
    new sessions within a period.
    token: the API's. Restart each API; clients need the new one.
    """

    examples = ("hummingbird deployment-rotate token",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("what", choices=("authority", "gateway-key", "token"))
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Make it."""
        from hummingbird.clock import SystemClock
        from hummingbird.cmd.bootstrap import open_database
        from hummingbird.cmd.deployment import rotate
        from hummingbird.cmd.private_files import keep_private

        def work(conf: "Conf") -> None:
            clock = SystemClock()
            keep_private(conf)
            database = open_database(conf, clock)
            try:
                rotate(conf, database, clock, parsed_args.what)
            finally:
                database.dispose()

        self.done(parsed_args, work)
        restarts = {
            "authority": "the conductors; when the agents are rolled out, the others",
            "gateway-key": "each gateway",
            "token": "each API",
        }[parsed_args.what]
        self.say(f"There is a new {parsed_args.what}. Restart {restarts}.")
