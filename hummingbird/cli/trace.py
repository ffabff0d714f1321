# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-trace`: where the path to a host ends, and what to do."""

import argparse
import time
from collections.abc import Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import FOR_PEOPLE, Lines, Show
from hummingbird.cli.failure import Failure

_HOLD_SECONDS = 20
"""How long one request is held."""
_PATIENCE_SECONDS = 120
"""A trace is done within a minute; a conductor that was away needs to come back."""


class HostTrace(Show):
    """Say where the path to a host ends, and what mends it.

    Looks, in this order, at the controller's own link, the way below a tunnel, the tunnel,
    what fits through, SSH, the host's key and the login, and from the host at Kubernetes
    and the gateway. Nothing is changed. It works while the host is away: then it says how
    far one comes.
    """

    examples = (
        "hummingbird host-trace edge-0",
        "hummingbird host-trace edge-0 -f json",
        "hummingbird host-trace edge-0 --last",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument(
            "--last",
            action="store_true",
            help="do not look again: show what was found the last time",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Ask, wait, and return what was found."""
        where = path("ihosts", given.host, "trace")
        found: Mapping[str, Any] = (
            self.client.get(where) if given.last else self.client.post(where, {})
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not given.last and found["done_at"] is None:
            if time.monotonic() > deadline:
                raise Failure(
                    "No conductor has looked yet; see hummingbird reconciler-list."
                )
            found = self.client.get(where, wait=_HOLD_SECONDS)
        steps = found.get("steps") or []
        if given.formatter in FOR_PEOPLE:
            width = max((len(step["name"]) for step in steps), default=0)
            lines = Lines(
                f"{step['state']:8} {step['name']:{width}}  {step['detail']}"
                for step in steps
            )
            return {**found, "steps": lines}
        return found
