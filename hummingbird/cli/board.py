# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-board-set`: the board management controller of a host."""

import argparse
from collections.abc import Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Show
from hummingbird.cli.credential import read_secret
from hummingbird.cli.failure import Failure

_KINDS = ("redfish", "dynamic", "ipmi", "none")
_SHOWN = ("hostname", "bm_type", "bm_ip", "bm_username")


class HostBoardSet(Show):
    """Say which board management controller works a host's power; none forgets it.

    Its password is read from stdin, or asked for on a terminal; nobody can read it back.
    Redfish is the better one: over IPMI the password can be guessed from what is sent.
    """

    examples = (
        "hummingbird host-board-set edge-0 redfish --address 10.9.0.7 --user admin < secret",
        "hummingbird host-board-set edge-0 none",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument(
            "kind",
            metavar="TYPE",
            choices=_KINDS,
            help="how it is spoken to: redfish (dynamic is the same), ipmi, or none",
        )
        parser.add_argument("--address", help="its address; HTTPS, or IPMI, is there")
        parser.add_argument("--user", help="user name on the board")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Set the board and return what may be seen of it."""
        wanted: dict[str, Any] = {"bm_type": given.kind}
        if given.kind != "none":
            if not given.address or not given.user:
                raise Failure("A board needs its --address and a --user.")
            wanted |= {"bm_ip": given.address, "bm_username": given.user}
            wanted["bm_password"] = read_secret("Password of the board")
        changed = self.client.patch(
            path("ihosts", given.host),
            [
                {"op": "replace", "path": f"/{name}", "value": value}
                for name, value in wanted.items()
            ],
        )
        return {name: changed[name] for name in _SHOWN}
