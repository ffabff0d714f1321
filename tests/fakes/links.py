# SPDX-License-Identifier: Apache-2.0
"""The controller's links, in memory: routes and states that a test sets."""

import ipaddress
from dataclasses import replace

from hummingbird.adapters.netlink.link import LinkState


class FakeLinks:
    """Keeps the contract of adapters.netlink.link.Links (tests/contract/test_links.py)."""

    def __init__(self) -> None:
        self._links: dict[str, LinkState] = {}
        self._mtus: dict[str, int] = {}
        self._routes: list[tuple[str, str, str | None]] = []

    def add(self, name: str, *, up: bool = True) -> None:
        """Make a link."""
        self._links[name] = LinkState(name=name, up=up)

    def add_route(self, cidr: str, *, link: str, source: str | None = None) -> None:
        """Let `cidr` be reached through `link`, with our address `source`."""
        self._routes.append((cidr, link, source))

    def set_up(self, name: str, up: bool) -> None:
        """Plug a link in or out; its routes stay."""
        self._links[name] = replace(self._links[name], up=up)

    def drop_routes(self, name: str) -> None:
        """Do what the kernel does when a link is set down: its routes vanish."""
        self._routes = [route for route in self._routes if route[1] != name]

    def towards(self, address: str) -> LinkState | None:
        found = self._route(address)
        return self._links[found[1]] if found else None

    def source_address(self, address: str) -> str | None:
        found = self._route(address)
        return found[2] if found else None

    def set_mtu(self, name: str, mtu: int) -> None:
        """Let a link take packets of `mtu` bytes; 1500 otherwise."""
        self._mtus[name] = mtu

    def mtu_towards(self, address: str) -> int | None:
        found = self._route(address)
        return self._mtus.get(found[1], 1500) if found else None

    def _route(self, address: str) -> tuple[str, str, str | None] | None:
        target = ipaddress.ip_address(address)
        return max(
            (r for r in self._routes if target in ipaddress.ip_network(r[0])),
            key=lambda r: ipaddress.ip_network(r[0]).prefixlen,
            default=None,
        )
