# SPDX-License-Identifier: Apache-2.0
"""Who has to go when there is no room: one of the source that has the most.

So one source may take every place as long as nobody else wants one, and loses first when
somebody does: no fixed number has to be small enough for an attacker and large enough for
a thousand hosts behind one NAT. A source is an IPv4 address, or the /64 of an IPv6
address, which is what one customer has. Pure: no I/O, no clock.
"""

import ipaddress
from collections.abc import Hashable
from functools import lru_cache
from typing import Generic, TypeVar

Holder = TypeVar("Holder", bound=Hashable)


@lru_cache(maxsize=4096)
def source_of(address: str) -> str:
    """Return the source that a peer's address belongs to."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)


class Places(Generic[Holder]):
    """Who holds a place, by source, in the order in which they came."""

    def __init__(self) -> None:
        self._held: dict[str, dict[Holder, None]] = {}
        self._by_count: dict[int, dict[str, None]] = {}
        self._most = 0
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def of(self, source: str) -> int:
        """Return how many this source holds."""
        return len(self._held.get(source, ()))

    def enter(self, holder: Holder, *, source: str) -> None:
        """Take a place."""
        held = self._held.setdefault(source, {})
        if holder in held:
            return
        self._move(source, len(held), len(held) + 1)
        held[holder] = None
        self._total += 1

    def leave(self, holder: Holder, *, source: str) -> bool:
        """Give a place back; return whether there was one."""
        held = self._held.get(source)
        if held is None or holder not in held:
            return False
        del held[holder]
        self._total -= 1
        self._move(source, len(held) + 1, len(held))
        if not held:
            del self._held[source]
        return True

    def heaviest(self) -> str | None:
        """Return the source that holds the most places, the longest of these; None if
        nobody holds any."""
        return next(iter(self._by_count[self._most])) if self._most else None

    def oldest(self, source: str) -> Holder:
        """Return who of this source came first.

        :raises KeyError: nobody did.
        """
        return next(iter(self._held[source]))

    def newest(self, source: str) -> Holder:
        """Return who of this source came last.

        :raises KeyError: nobody did.
        """
        return next(reversed(self._held[source]))

    def _move(self, source: str, before: int, after: int) -> None:
        if before:
            there = self._by_count[before]
            del there[source]
            if not there:
                del self._by_count[before]
        if after:
            self._by_count.setdefault(after, {})[source] = None
        if after > self._most or self._most not in self._by_count:
            # Counts change by one: the next lower one is where the source went.
            self._most = after
