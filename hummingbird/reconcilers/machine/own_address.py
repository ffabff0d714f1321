# SPDX-License-Identifier: Apache-2.0
"""What this controller's own interfaces have in a network of hosts is kept for it: no host
is given it, and none may choose it.

Runs on every conductor, each for its own machine. An address that two controllers have (a
floating one, a bridge of the same number) stays with the one that came first; it is kept
either way. What a host has already is reported, since only a person can say which of the
two is wrong.
"""

import ipaddress
from collections.abc import Callable, Collection

from hummingbird.clock import Clock
from hummingbird.db.repository import address, address_pool
from hummingbird.db.session import Connection, Database
from hummingbird.domain.address import Address, Role
from hummingbird.errors import AddressReserved, AddressTaken
from hummingbird.reconcilers.base import Outcome


class OwnAddressReconciler:
    """Keeps the controller's addresses in the table of addresses."""

    name = "own_address"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        addresses: Callable[[], Collection[str]],
        controller: str,
        period_seconds: float,
    ) -> None:
        """
        :param addresses: returns this machine's addresses, in canonical text.
        """
        self._database = database
        self._clock = clock
        self._addresses = addresses
        self._holder = f"controller {controller}"
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at this machine's addresses; keep those that are in a network of hosts."""
        with self._database.snapshot() as connection:
            own = self._of_networks(connection)
            kept = {one.address: one for one in self._kept(connection)}
            held = {
                text: found
                for text in own - set(kept)
                if (found := address.holder(connection, text)) is not None
            }
        new = own - set(kept) - set(held)
        gone = set(kept) - own
        if new or gone:
            with self._database.writer() as connection:
                for text in sorted(gone):
                    address.remove(connection, kept[text])
                taken = {text for text in new if not self._keep(connection, text)}
            new -= taken
        changed = [f"{text} is kept for this controller" for text in sorted(new)]
        changed += [
            f"{text} is not this controller's any more" for text in sorted(gone)
        ]
        return Outcome(
            looked_at=len(own),
            changed=tuple(changed),
            failed=tuple(
                f"{text} is this controller's own address and {found.name} as well"
                for text, found in sorted(held.items())
                if found.role in (Role.HOST, Role.BOARD)
            ),
        )

    def _keep(self, connection: Connection, text: str) -> bool:
        now = self._clock.now()
        try:
            address.add(
                connection, text, role=Role.CONTROLLER, name=self._holder, now=now
            )
        except (AddressTaken, AddressReserved):
            return False  # by somebody since the look; the next one says by whom
        return True

    def _of_networks(self, connection: Connection) -> set[str]:
        return {
            text
            for text in self._addresses()
            if not ipaddress.ip_address(text).is_loopback
            and address_pool.of_address(connection, text) is not None
        }

    def _kept(self, connection: Connection) -> list[Address]:
        return address.of_role(connection, Role.CONTROLLER, name=self._holder)
