# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-addr-*` and `address-list`: who has which address."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import Act, List, OfHost, Show

_ADDRESSES = path("addresses")


class AddressList(List):
    """List every address that somebody has: hosts, their board management, gateways."""

    examples = ("hummingbird address-list",)
    columns = ("uuid", "address", "prefix", "forihostid", "pool_uuid")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the addresses."""
        found: list[Mapping[str, Any]] = self.client.get(_ADDRESSES)["addresses"]
        return found


class HostAddrList(OfHost, List):
    """List the addresses of a host."""

    examples = ("hummingbird host-addr-list edge-0",)
    columns = ("uuid", "address", "prefix", "pool_uuid")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the addresses."""
        where = path("ihosts", given.host, "addresses")
        found: list[Mapping[str, Any]] = self.client.get(where)["addresses"]
        return found


class HostAddrAdd(Show):
    """Give a locked host a second address, in a network of IPv4 and IPv6.

    Its first address is its mgmt_ip: host-update HOST --mgmt-ip ADDRESS.
    """

    examples = ("hummingbird host-addr-add edge-0 fd00:20::11",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument("address", metavar="ADDRESS")
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Add the address and return it."""
        body = {"host": given.host, "address": given.address}
        added: Mapping[str, Any] = self.client.post(_ADDRESSES, body)
        return added


class HostAddrDelete(Act):
    """Take second addresses back from locked hosts, by the uuids in host-addr-list."""

    examples = ("hummingbird host-addr-delete 503d9123-4a83-4fe2-b3ce-1d6e4604d8a5",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("addresses", metavar="UUID", nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them one by one."""
        for uuid in parsed_args.addresses:
            self.client.delete(path("addresses", uuid))
            self.say(f"{uuid}: deleted")
