# SPDX-License-Identifier: Apache-2.0
"""The program `hummingbird`: one command a call, over the REST API.

Exit status: 0 done, 1 refused or failed (a sentence on stderr says why), 2 not
understood, 130 interrupted.  What was asked for goes on at the server when the command
that watches it is interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from cliff.app import App
from cliff.commandmanager import CommandManager

from hummingbird import __version__
from hummingbird.cli import endpoint
from hummingbird.cli.client import Client
from hummingbird.cli.terminal import Terminal

USAGE = 2

_DESCRIPTION = """\
Small node management for StarlingX and any Kubernetes.

Start a server with `hummingbird up`; every other command finds it by itself on the
same machine.  `hummingbird help COMMAND` shows examples."""


class HummingbirdApp(App):
    """Holds what the commands share: the client."""

    NAME = "hummingbird"

    def __init__(self) -> None:
        super().__init__(
            description=_DESCRIPTION,
            version=__version__,
            command_manager=CommandManager("hummingbird.cli"),
            deferred_help=True,
        )
        self._client: Client | None = None

    def _set_streams(
        self, stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None
    ) -> None:
        super()._set_streams(stdin, stdout, stderr)
        self.stdout = Terminal(self.stdout)
        self.stderr = Terminal(self.stderr)

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, object] | None = None,
    ) -> argparse.ArgumentParser:
        """Return the parser of what may stand before the command."""
        parser = super().build_option_parser(
            description,
            version,
            {"formatter_class": argparse.RawDescriptionHelpFormatter},
        )
        parser.add_argument(
            "--url",
            help="where the server is (default: HUMMINGBIRD_URL, SYSTEM_URL, or the one"
            " that was started on this machine)",
        )
        parser.add_argument(
            "--token-file",
            type=Path,
            metavar="FILE",
            help="file with the token that the server asks for (default:"
            " HUMMINGBIRD_TOKEN or OS_AUTH_TOKEN itself, or that server's own file)",
        )
        parser.add_argument(
            "--ca-file",
            type=Path,
            metavar="FILE",
            help="file (PEM) with the authority of the server's certificate (default:"
            " HUMMINGBIRD_CA_FILE, OS_CACERT, or the one of a server on this machine;"
            " else the public ones)",
        )
        parser.add_argument(
            "--state-directory",
            type=Path,
            metavar="DIR",
            help="state directory of a server on this machine, where it left its address"
            " and token (default: HUMMINGBIRD_STATE_DIRECTORY, /var/lib/hummingbird,"
            " ~/.local/state/hummingbird)",
        )
        return parser

    @property
    def client(self) -> Client:
        """The server's client, made when first asked for.

        :raises Failure: no server can be found.
        """
        if self._client is None:
            self._client = self.new_client()
        return self._client

    def new_client(self) -> Client:
        """Return one more client of the same server, for another thread."""
        return Client(
            endpoint.find(
                url=self.options.url,
                token_file=self.options.token_file,
                ca_file=self.options.ca_file,
                state_directory=self.options.state_directory,
                environ=os.environ,
            )
        )

    def interact(self) -> None:
        """End with what is missing: without a command there is nothing to do."""
        self.parser.print_usage(sys.stderr)
        sys.stderr.write("hummingbird: say a command; see hummingbird --help\n")
        raise SystemExit(USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit status."""
    return HummingbirdApp().run(list(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
