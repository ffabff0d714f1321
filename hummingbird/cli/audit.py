# SPDX-License-Identifier: Apache-2.0
"""`hummingbird audit-list`: who changed what."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List


class AuditList(List):
    """List who asked for which change and what came of it, the latest first.

    Secrets that were sent are hidden.
    """

    examples = (
        "hummingbird audit-list",
        "hummingbird audit-list --user kim --path /v1/ihosts --limit 50",
    )
    columns = (
        "at",
        "user",
        "project",
        "roles",
        "source",
        "method",
        "path",
        "asked",
        "status",
        "request_id",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--user", help="only this user's")
        parser.add_argument("--method", help="only POST, PUT, PATCH or DELETE")
        parser.add_argument("--path", help="only paths that begin so")
        parser.add_argument(
            "--limit", type=int, default=20, help="at most so many (default: 20)"
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the entries."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("audit_log"),
            user=given.user,
            method=given.method,
            path=given.path,
            limit=given.limit,
        )["audit_log"]
        return found
