# SPDX-License-Identifier: Apache-2.0
"""Which of the controller's own interfaces leads to each network, and since when it is up.

Each controller's observation, refreshed by its reconciler `link`: one question a network.
It is in the database, so that who judges sees those of all controllers, and so that a
restart of the conductor forgets nothing.
"""

import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hummingbird.adapters.netlink.link import Links
from hummingbird.clock import Clock
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import fleet, hearing
from hummingbird.db.repository import link as link_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.emn import TUNNELLED, Attachment, Emn
from hummingbird.domain.observation import LinkSeen

NO_ROUTE = "no-route"
"""Stands for our interface where the routing table has never named one."""


@dataclass(frozen=True)
class LinkStates:
    """What was last seen."""

    by_emn: Mapping[int, str] = field(default_factory=dict)
    """EMN id -> name of the interface that leads to it."""
    up_since: Mapping[str, datetime | None] = field(default_factory=dict)
    """For people; None: it is down."""
    up_since_seconds: Mapping[str, float | None] = field(default_factory=dict)
    """The same on the listening clock, for who judges silence; 0: since ever, as far as
    is known."""


class OwnLinks:
    """Keeps the table of links as the kernel has it."""

    def __init__(
        self, database: Database, *, links: Links, clock: Clock, controller: str
    ) -> None:
        self._database = database
        self._links = links
        self._clock = clock
        self._controller = controller
        self._lock = threading.Lock()
        self._by_emn: dict[int, str] = {}
        self._states: LinkStates | None = None

    def states(self) -> LinkStates:
        """Return what was last seen; look, if nobody has yet."""
        states = self._states
        return self.refresh()[0] if states is None else states

    def refresh(self) -> tuple[LinkStates, tuple[str, ...]]:
        """Ask the kernel, write what changed; return what is so and what changed."""
        with self._lock:
            now = self._clock.now()
            with self._database.snapshot() as connection:
                known = link_repository.of_controller(connection, self._controller)
                networks = _networks_in_use(connection)
            stored = {name: link.up_since for name, link in known.items()}
            towards = dict(self._by_emn)
            up: dict[str, bool] = {}
            in_use = {network.id for network, _ in networks}
            self._by_emn = {k: name for k, name in self._by_emn.items() if k in in_use}
            for network, address in networks:
                name, is_up = self._link(network, address, stored=stored, seen=up)
                self._by_emn[network.id] = name
                up[name] = is_up
            since = {
                name: (stored.get(name) or now) if is_up else None
                for name, is_up in up.items()
            }
            seen: Mapping[str, LinkSeen] = known
            if since != stored or self._by_emn != towards:
                seen = self._write(since, known=known)
            self._states = LinkStates(
                dict(self._by_emn),
                since,
                {
                    name: (seen[name].changed_seconds or 0.0) if is_up else None
                    for name, is_up in up.items()
                },
            )
            return self._states, _changes(stored, since)

    def _write(
        self, since: Mapping[str, datetime | None], *, known: Mapping[str, LinkSeen]
    ) -> Mapping[str, LinkSeen]:
        with self._database.writer() as connection:
            clock = hearing.shared_clock(connection)
            links = []
            for name, up_since in since.items():
                before = known.get(name)
                is_as_before = before is not None and before.up_since == up_since
                links.append(
                    LinkSeen(
                        controller=self._controller,
                        name=name,
                        up_since=up_since,
                        changed_seconds=(
                            before.changed_seconds if before and is_as_before else clock
                        ),
                    )
                )
            link_repository.put(connection, links, controller=self._controller)
            link_repository.put_towards(
                connection, self._by_emn, controller=self._controller
            )
        return {link.name: link for link in links}

    def _link(
        self,
        network: Emn,
        address: str,
        *,
        stored: Mapping[str, datetime | None],
        seen: Mapping[str, bool],
    ) -> tuple[str, bool]:
        """Return the interface that leads, or led, to `network`, and whether it is up."""
        link = self._links.towards(address)
        if link is not None and not self._is_detour(network, address):
            return link.name, link.up
        # An interface that is switched off takes its route along: what led there last
        # is what is missing now.
        others = [name for name in stored if name not in seen]
        former = self._by_emn.get(network.id) or next(iter(others), None)
        if link is not None and former in (None, link.name):
            return link.name, link.up
        return former or NO_ROUTE, False

    def _is_detour(self, network: Emn, address: str) -> bool:
        """Whether a network that we are on is only led to by some other way."""
        if network.attachment is not Attachment.DIRECT:
            return False
        source = self._links.source_address(address)
        if source is None:
            return True
        own = ipaddress.ip_address(source)
        return not any(own in net for net in network.networks)


def _networks_in_use(connection: Connection) -> list[tuple[Emn, str]]:
    """Return each EMN that has provisioned hosts, with the address of one of them."""
    networks = {n.id: n for n in emn_repository.list_all(connection)}
    address = fleet.an_address_of_each_emn(connection)
    tunnelled = {n.id for n in networks.values() if n.attachment in TUNNELLED}
    if tunnelled:
        # What leads to their hosts is what leads to where their packets come from.
        outside = tunnel_repository.an_endpoint_of_each_emn(connection)
        address = {key: ip for key, ip in address.items() if key not in tunnelled}
        address |= {key: ip for key, ip in outside.items() if key in tunnelled}
    return [(networks[key], ip) for key, ip in sorted(address.items())]


def _changes(
    before: Mapping[str, datetime | None], after: Mapping[str, datetime | None]
) -> tuple[str, ...]:
    said = []
    for name, since in after.items():
        was_up = before.get(name) is not None
        if name in before and was_up != (since is not None):
            said.append(f"link {name} is {'up' if since else 'down'}")
    return tuple(said)
