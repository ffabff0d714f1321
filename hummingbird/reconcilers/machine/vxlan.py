# SPDX-License-Identifier: Apache-2.0
"""The controller's bridge and its VXLAN devices are exactly what the inventory says.

Sees the networks that are attached by VXLAN, the hosts in them and the kernel; has
changed only what differs. A device, an end or a MAC address that nothing in the inventory
names is removed. A network whose hosts have no end yet has no device.

Runs on every conductor: each has a bridge of its own, and a host's frames go to all of
them, or to the floating address of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hummingbird.adapters.netlink.link import Links, own_address_in
from hummingbird.adapters.netlink.vxlan import Bridges, NetlinkBridges
from hummingbird.conf import Conf
from hummingbird.conf.vxlan import vxlan_options
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import fleet
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.db.session import Database
from hummingbird.domain.emn import Attachment, Emn, within
from hummingbird.domain.host import Host
from hummingbird.domain.vxlan import (
    Bridge,
    Segment,
    VxlanOptions,
    differences,
    has_end,
    mac_of,
    segment,
)
from hummingbird.errors import VxlanUnavailable
from hummingbird.reconcilers.base import Outcome


@dataclass(frozen=True)
class _Inventory:
    """What there is to attach."""

    networks: tuple[Emn, ...]
    """Those with VXLAN."""
    subnets: Mapping[int, Emn]
    """Their ids -> the management network that each is a part of."""
    hosts: Mapping[int, tuple[Host, ...]]
    """EMN id -> its hosts that have an address."""
    inside: Mapping[int, str]
    """Host id -> its address inside its tunnel."""


class VxlanReconciler:
    """Keeps the bridge as the inventory says."""

    name = "vxlan"

    def __init__(
        self,
        database: Database,
        *,
        bridges: Bridges,
        links: Links,
        options: VxlanOptions,
        period_seconds: float,
    ) -> None:
        self._database = database
        self._bridges = bridges
        self._links = links
        self._options = options
        self.period_seconds = period_seconds

    def reconcile(self) -> Outcome:
        """Look at all that is VXLAN here; put right what differs."""
        inventory = self._inventory()
        failed: list[str] = []
        try:
            seen = self._bridges.look(self._options.bridge)
            wanted = self._wanted(
                inventory, failed, is_ours=seen is None or seen.is_ours
            )
            changed = differences(wanted, seen)
            if changed:
                self._bridges.put(wanted)
        except VxlanUnavailable as error:
            return Outcome(
                looked_at=len(inventory.networks), failed=(*failed, str(error))
            )
        return Outcome(
            looked_at=len(inventory.networks), changed=changed, failed=tuple(failed)
        )

    def _inventory(self) -> _Inventory:
        with self._database.snapshot() as connection:
            every = emn_repository.list_all(connection)
            networks = tuple(one for one in every if one.has_vxlan)
            ids = [one.id for one in networks]
            tunnels = {}
            if any(one.attachment is Attachment.WIREGUARD_VXLAN for one in networks):
                tunnels = {
                    tunnel.host_id: tunnel.address
                    for tunnel in tunnel_repository.list_all(connection)
                }
            hosts: dict[int, list[Host]] = {}
            for host in fleet.in_networks(connection, ids) if ids else ():
                if host.emn_id is not None and host.mgmt_ip is not None:
                    hosts.setdefault(host.emn_id, []).append(host)
        subnets = {
            one.id: found for one in networks if (found := within(every, one.cidr))
        }
        return _Inventory(
            networks, subnets, {key: tuple(of) for key, of in hosts.items()}, tunnels
        )

    def _wanted(
        self, inventory: _Inventory, failed: list[str], *, is_ours: bool
    ) -> Bridge:
        segments: dict[int, Segment] = {}
        neighbours: dict[str, str] = {}
        networks: set[str] = set()
        answers: set[str] = set()
        source: str | None = None
        for emn in inventory.networks:
            subnet = inventory.subnets.get(emn.id)
            if subnet is None:
                failed.append(f"{emn.name} is a part of no management network any more")
                continue
            ends = self._ends(emn, inventory, failed)
            if not ends:
                continue
            made = segment(
                emn,
                ends,
                options=self._options,
                path_mtus={end: self._links.mtu_towards(end) for end in ends},
            )
            segments[made.vni] = made
            source = source or own_address_in(self._links, subnet.networks)
            if source is None:
                failed.append(
                    f"this controller has no address in {subnet.name} ({subnet.cidr})"
                )
            neighbours |= {
                host.mgmt_ip: mac_of(host.uuid)
                for host in ends.values()
                if host.mgmt_ip is not None
            }
            answers |= {
                host.mgmt_ip
                for host in inventory.hosts[emn.id]
                if host.mgmt_ip is not None and ":" not in host.mgmt_ip
            }
            networks |= {str(net) for net in emn.networks if net.version == 4}
        if not is_ours:
            return Bridge(name=self._options.bridge, is_ours=False, segments=segments)
        return Bridge(
            name=self._options.bridge,
            source=source,
            networks=frozenset(networks),
            neighbours=neighbours,
            segments=segments,
            answers=frozenset(answers if source is not None else ()),
        )

    def _ends(
        self, emn: Emn, inventory: _Inventory, failed: list[str]
    ) -> dict[str, Host]:
        """Return the underlay addresses at which VXLANs of `emn` end, with their hosts."""
        ends: dict[str, Host] = {}
        for host in inventory.hosts.get(emn.id, ()):
            if not has_end(host, emn):
                continue
            is_inside = emn.attachment is Attachment.WIREGUARD_VXLAN
            end = inventory.inside.get(host.id) if is_inside else host.underlay
            if end is None:
                continue  # not said, or not made yet; an unlock says so
            if any((":" in end) != (":" in other) for other in ends):
                failed.append(
                    f"{host.hostname}: {end} is of another family than the other ends of"
                    f" {emn.name}; a network's ends are all of one"
                )
                continue
            ends[end] = host
        return ends


def from_options(conf: Conf, database: Database, *, links: Links) -> VxlanReconciler:
    """Return the reconciler of the network that this process is in."""
    return VxlanReconciler(
        database,
        bridges=NetlinkBridges(),
        links=links,
        options=vxlan_options(conf),
        period_seconds=float(conf.vxlan.period_seconds),
    )
