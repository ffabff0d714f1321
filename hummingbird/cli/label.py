# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-label-*`: labels of hosts, which their nodes in Kubernetes get too."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, OfHost
from hummingbird.cli.failure import Failure

_COLUMNS = ("label_key", "label_value")


class HostLabelList(OfHost, List):
    """List the labels of a host."""

    examples = ("hummingbird host-label-list edge-0",)
    columns = _COLUMNS

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the labels."""
        where = path("ihosts", given.host, "labels")
        found: list[Mapping[str, Any]] = self.client.get(where)["labels"]
        return found


class HostLabelAssign(List):
    """Give a host labels: all that are named, or none where one is refused.

    Its node in Kubernetes gets them too, now or when it joins; keys and values are what
    Kubernetes takes. Pods find the host by them (nodeSelector).
    """

    examples = (
        "hummingbird host-label-assign edge-0 line=3 example.com/camera=",
        "hummingbird host-label-assign edge-0 line=4 --overwrite",
    )
    columns = _COLUMNS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument("labels", metavar="KEY=VALUE", nargs="+")
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="give labels that are there already their new values",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Assign the labels and return them."""
        labels: dict[str, str] = {}
        for word in given.labels:
            key, mark, value = word.partition("=")
            if not mark or not key:
                raise Failure(f"{word!r} is not KEY=VALUE.")
            if labels.setdefault(key, value) != value:
                raise Failure(f"{key} is given two values.")
        assigned: list[Mapping[str, Any]] = self.client.post(
            path("labels", given.host), labels, overwrite=given.overwrite
        )["labels"]
        return assigned


class HostLabelRemove(Act):
    """Take labels from a host, and from its node in Kubernetes."""

    examples = ("hummingbird host-label-remove edge-0 line",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument("keys", metavar="KEY", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Remove them one by one; a key that is not there is said, and is a failure."""
        where = path("ihosts", parsed_args.host, "labels")
        there = {
            label["label_key"]: label["uuid"]
            for label in self.client.get(where)["labels"]
        }
        missing = [key for key in parsed_args.keys if key not in there]
        if missing:
            raise Failure(
                f"Host {parsed_args.host} has no label {', '.join(missing)}; nothing was"
                " removed."
            )
        for key in dict.fromkeys(parsed_args.keys):
            self.client.delete(path("labels", there[key]))
            self.say(f"{key}: removed")
        return 0
