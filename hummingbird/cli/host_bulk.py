# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-bulk-*`: many hosts by one file, in and out."""

import argparse
import sys
from pathlib import Path

from hummingbird.cli.client import path
from hummingbird.cli.command import Act
from hummingbird.cli.failure import Failure


class HostBulkAdd(Act):
    """Add the hosts of an XML file: <hosts><host><hostname/>…</host>…</hosts>.

    All are checked first; where one is wrong, none is added. Hosts that are there already
    are said and hold up no others, so that a file can be sent again. host-bulk-export
    makes such a file; a host needs hostname, personality (edgeworker) and mgmt_mac.
    """

    examples = (
        "hummingbird host-bulk-add hosts.xml",
        "hummingbird host-bulk-add - < hosts.xml",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the file; - for stdin")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Send the file; return 1 where a host was not added."""
        try:
            content = (
                sys.stdin.buffer.read()
                if parsed_args.file == "-"
                else Path(parsed_args.file).read_bytes()
            )
        except OSError as error:
            raise Failure(f"{parsed_args.file}: {error.strerror}") from error
        done = self.client.upload(
            path("ihosts", "bulk_add"), field="file", content=content
        )
        for line in done["success"].split("\n"):
            if line.strip():
                self.say(f"{line.strip()}: added")
        refused = [line.strip() for line in done["error"].split("\n") if line.strip()]
        if refused:
            raise Failure("\n".join(refused))
        return 0


class HostBulkExport(Act):
    """Write all hosts to an XML file that adds them again.

    It has their names, addresses and settings, and no passwords.
    """

    examples = (
        "hummingbird host-bulk-export > hosts.xml",
        "hummingbird host-bulk-export --filename hosts.xml",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--filename", metavar="FILE", help="where to (default: stdout)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Ask for the file and write it."""
        # Where one address serves sysinv's hosts as well, its file is another one.
        answer = self.client.get(
            path("ihosts", "bulk_export"), personality="edgeworker"
        )
        content = answer["content"]
        if parsed_args.filename is None:
            self.put(content.rstrip("\n"))
            return 0
        try:
            Path(parsed_args.filename).write_text(content)
        except OSError as error:
            raise Failure(f"{parsed_args.filename}: {error.strerror}") from error
        self.say(f"{parsed_args.filename}: written")
        return 0
