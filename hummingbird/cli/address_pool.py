# SPDX-License-Identifier: Apache-2.0
"""`hummingbird addrpool-*`: where hosts' addresses are, and which are given out."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, Show, add_if_match
from hummingbird.cli.failure import Failure

_POOLS = path("addrpools")
_KEPT = {
    "gateway": "the hosts' gateway",
    "floating": "the controllers' floating address",
    "controller0": "controller-0",
    "controller1": "controller-1",
}


def _ranges(text: str) -> list[list[str]]:
    """Return [[first, last], …] of "first-last,first-last"."""
    found = [part.strip().split("-") for part in text.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST-LAST[,FIRST-LAST…]")
    return found


def _cidr(text: str) -> tuple[str, int]:
    network, _, bits = text.partition("/")
    if not network or not bits.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not NETWORK/PREFIX")
    return network, int(bits)


def _add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ranges",
        type=_ranges,
        metavar="FIRST-LAST[,…]",
        help="what is given out to hosts that choose no address (default: all of it)",
    )
    parser.add_argument(
        "--order",
        choices=("random", "sequential"),
        help="in which order (default: random)",
    )
    for name, what in _KEPT.items():
        parser.add_argument(
            f"--{name}-address",
            metavar="ADDRESS",
            help=f"{what}: no host gets it (none: not kept any more)",
        )
    parser.add_argument(
        "--emn",
        metavar="NAME",
        help="the network of hosts that it is of; one has a pool of IPv4, one of IPv6,"
        " or one of each (none: nobody gets addresses from it)",
    )


def _details(given: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that were given."""
    names = ("ranges", "order", "emn", *(f"{name}_address" for name in _KEPT))
    return {
        name: value for name in names if (value := getattr(given, name)) is not None
    }


class AddrpoolAdd(Show):
    """Add a pool of addresses, for the second family of a network.

    emn-add makes a network's pools by itself.
    """

    examples = (
        "hummingbird addrpool-add shops-six fd00:20:: 64 --emn shops",
        "hummingbird addrpool-add spare 10.50.0.0 24 --ranges 10.50.0.10-10.50.0.99",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("network", metavar="NETWORK", help="10.20.0.0")
        # cliff has a --prefix of its own.
        parser.add_argument("bits", metavar="PREFIX", type=int, help="24")
        _add_details(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Add the pool and return it."""
        body = {
            "name": given.name,
            "network": given.network,
            "prefix": given.bits,
            **_details(given),
        }
        added: Mapping[str, Any] = self.client.post(_POOLS, body)
        return added


class AddrpoolList(List):
    """List the pools."""

    examples = ("hummingbird addrpool-list", "hummingbird addrpool-list --type mgmt")
    columns = ("uuid", "name", "emn", "network", "prefix", "order", "ranges")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--type",
            metavar="TYPE",
            help="only those of networks of this type: mgmt, other",
        )
        return parser

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the pools."""
        found = self.client.get(_POOLS, network_type=given.type)
        pools: list[Mapping[str, Any]] = found["addrpools"]
        return pools


class AddrpoolShow(Show):
    """Show one pool, named by its name, number or uuid."""

    examples = ("hummingbird addrpool-show mn-ipv4",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("pool", metavar="POOL")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the pool."""
        found: Mapping[str, Any] = self.client.get(path("addrpools", given.pool))
        return found


class AddrpoolUpdate(Show):
    """Change a pool: what it gives out, what it keeps, how large it is.

    It may grow, and shrink as far as no address in use is left outside.
    """

    examples = (
        "hummingbird addrpool-update mn-ipv4 --ranges 192.168.204.100-192.168.204.199",
        "hummingbird addrpool-update shops-ipv4 --gateway-address 10.20.0.1",
        "hummingbird addrpool-update shops-ipv4 --cidr 10.20.0.0/22",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("pool", metavar="POOL")
        parser.add_argument("--name", help="another name")
        parser.add_argument(
            "--cidr", type=_cidr, help="its addresses, with room for those in use"
        )
        _add_details(parser)
        add_if_match(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Change the pool and return it."""
        wanted = _details(given)
        if given.name is not None:
            wanted["name"] = given.name
        if given.cidr is not None:
            wanted["network"], wanted["prefix"] = given.cidr
        if not wanted:
            raise Failure("Nothing to change was named; see the command's --help.")
        where = path("addrpools", given.pool)
        changed: Mapping[str, Any] = self.client.patch(
            where, wanted, if_match=given.if_match
        )
        return changed


class AddrpoolDelete(Act):
    """Delete pools that have no hosts' addresses and are not a network's only one."""

    examples = ("hummingbird addrpool-delete spare",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("pools", metavar="POOL", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them one by one."""
        for name in parsed_args.pools:
            self.client.delete(path("addrpools", name))
            self.say(f"{name}: deleted")
