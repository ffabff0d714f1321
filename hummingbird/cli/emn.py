# SPDX-License-Identifier: Apache-2.0
"""`hummingbird emn-*`: the networks that hosts are in, and how each is reached."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, Show, add_if_match
from hummingbird.cli.failure import Failure

_EMNS = path("emns")
_ATTACHMENTS = ("direct", "routed", "vxlan", "wireguard", "wireguard+vxlan")


def _add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--site",
        help="what shares one uplink: hosts of a site fall silent together (default:"
        " the network itself)",
    )
    parser.add_argument(
        "--credential",
        metavar="NAME",
        help="how to get into its hosts (default: the credential named default)",
    )
    parser.add_argument(
        "--gateway",
        metavar="HOST|ADDRESS",
        help="what stands before it: the EdgeWorker that carries the site, or a router's"
        " address",
    )
    parser.add_argument(
        "--mtu",
        type=_mtu,
        metavar="BYTES",
        help="largest packet, where it can't be found by trying; found: it is found",
    )
    parser.add_argument(
        "--vni",
        type=int,
        metavar="NUMBER",
        help="with vxlan: its number there, 1 to 16777215 (default: a free one)",
    )
    parser.add_argument(
        "--lan-interface",
        metavar="NAME",
        help="with vxlan: the gateway's interface to the other hosts, which then need"
        " nothing of ours",
    )
    parser.add_argument(
        "--dynamic",
        action=argparse.BooleanOptionalAction,
        help="whether a host that is added without an address and a network is given an"
        " address here (default: no)",
    )


def _mtu(text: str) -> int | str:
    """Return the bytes, or an empty text for `found`."""
    if text == "found":
        return ""
    if text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor found")


def _details(given: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that were given."""
    names = (
        "attachment",
        "site",
        "credential",
        "gateway",
        "mtu",
        "vni",
        "lan_interface",
        "dynamic",
    )
    return {
        name: value for name in names if (value := getattr(given, name)) is not None
    }


class EmnAdd(Show):
    """Say that a network has hosts, and how the controller reaches it.

    direct: the controller has a port in it; routed: somebody's routers lead there;
    wireguard: each host opens a tunnel, through any NAT that lets UDP out; vxlan: it is
    made one L2 subnet with the management network; wireguard+vxlan: that inside tunnels.
    The management network itself is there from the start and is named mn.
    """

    examples = (
        "hummingbird emn-add shops --cidr 10.20.0.0/24 --attachment routed",
        "hummingbird emn-add ulm --cidr 10.21.0.0/24,fd00:21::/64 --site ulm",
        "hummingbird emn-add kiosks --cidr 10.30.0.0/24 --attachment wireguard",
        "hummingbird emn-add depot --cidr 192.168.204.128/26 --attachment vxlan",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--cidr",
            required=True,
            help="its addresses, IPv4, IPv6, or one of each: 10.20.0.0/24,fd00:20::/64",
        )
        parser.add_argument(
            "--attachment",
            choices=_ATTACHMENTS,
            default="routed",
            help="how it is reached (default: routed)",
        )
        _add_details(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Add the network and return it."""
        body = {"name": given.name, "cidr": given.cidr, **_details(given)}
        added: Mapping[str, Any] = self.client.post(_EMNS, body)
        return added


class EmnList(List):
    """List the networks that have hosts."""

    examples = ("hummingbird emn-list",)
    columns = ("id", "name", "cidr", "attachment", "gateway", "site", "credential")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the networks."""
        found: list[Mapping[str, Any]] = self.client.get(_EMNS)["emns"]
        return found


class EmnShow(Show):
    """Show one network, named by its name, number or uuid."""

    examples = ("hummingbird emn-show mn",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("emn", metavar="EMN")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the network."""
        found: Mapping[str, Any] = self.client.get(path("emns", given.emn))
        return found


class EmnUpdate(Show):
    """Change how a network is reached; its addresses stay what they are."""

    examples = (
        "hummingbird emn-update shops --credential shop",
        "hummingbird emn-update shops --mtu 1400",
        "hummingbird emn-update depot --gateway edge-3 --lan-interface eth1",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("emn", metavar="EMN")
        parser.add_argument(
            "--attachment", choices=_ATTACHMENTS, help="how it is reached"
        )
        _add_details(parser)
        add_if_match(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Change the network and return it."""
        wanted = _details(given)
        if not wanted:
            raise Failure("Nothing to change was named; see the command's --help.")
        changed: Mapping[str, Any] = self.client.patch(
            path("emns", given.emn), wanted, if_match=given.if_match
        )
        return changed


class EmnDelete(Act):
    """Forget networks that have no hosts any more."""

    examples = ("hummingbird emn-delete shops",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("emns", metavar="EMN", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them one by one."""
        for name in parsed_args.emns:
            self.client.delete(path("emns", name))
            self.say(f"{name}: deleted")
