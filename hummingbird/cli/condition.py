# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-conditions`: what is known of a host, each fact with its observer."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Lines, List, OfHost


class HostConditions(OfHost, List):
    """List what is known of a host: whether it is heard, has power, is provisioned, Ready.

    These are facts apart: a host that is heard may have a node which is not Ready, and one
    that is not heard may have power. Unknown means that nobody can tell now.
    """

    examples = (
        "hummingbird host-conditions edge-0",
        "hummingbird host-conditions edge-0 -f json",
    )
    columns = ("type", "status", "reason", "message", "since", "observer")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the conditions."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("ihosts", given.host, "conditions")
        )["conditions"]
        return found


def in_short(conditions: Iterable[Mapping[str, Any]]) -> Lines:
    """Return conditions in a line each, as `host-show` has them for people."""
    return Lines(
        f"{one['type']} {one['status']} ({one['reason']})" for one in conditions
    )
