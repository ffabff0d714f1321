# SPDX-License-Identifier: Apache-2.0
"""A host's end of a VXLAN: what it is told, and the way in through it.

The controller's end is the reconciler's (reconcilers/vxlan.py). The host's is put there by
the address that it had before us; from then on it is reached in the management network.
"""

from dataclasses import dataclass

from hummingbird.adapters.netlink.link import own_address_in
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import emn as emn_repository
from hummingbird.db.repository import tunnel as tunnel_repository
from hummingbird.domain.emn import Attachment, Emn, within
from hummingbird.domain.tunnel import hub_address
from hummingbird.domain.vxlan import check_ready, has_end, host_settings
from hummingbird.errors import (
    AddressMissing,
    OutsideManagementNetwork,
    VxlanUnavailable,
)


@dataclass(frozen=True)
class End:
    """Where a VXLAN ends at a host."""

    emn: Emn
    subnet: Emn
    """The management network, of which `emn` is a part."""
    local: str
    """The host's address below."""
    remotes: tuple[str, ...]
    """The controllers' addresses below."""
    path_mtu: int | None
    """The largest packet that goes to `local`; None: nobody knows."""


def of_host(task: HostTask) -> End | None:
    """Return the host's end; None: it has none.

    :raises UnderlayMissing, GatewayUnknown: nobody said where it is.
    :raises OutsideManagementNetwork: its network is no part of ours any more.
    :raises VxlanUnavailable: nobody knows our own address as the host sees it.
    """
    host = task.host
    with task.neighbours.database.snapshot() as connection:
        emn = emn_repository.of_host(connection, host.emn_id)
        if emn is None or not has_end(host, emn):
            return None
        every = emn_repository.list_all(connection)
        tunnel = (
            tunnel_repository.of_host(connection, host.id)
            if emn.attachment is Attachment.WIREGUARD_VXLAN
            else None
        )
    check_ready(host, emn, has_tunnel=tunnel is not None)
    subnet = within(every, emn.cidr)
    if subnet is None:
        raise OutsideManagementNetwork(cidr=emn.cidr, mn="the directly attached")
    options, links = task.neighbours.hub_options, task.neighbours.links
    if tunnel is not None:
        hub = (hub_address(options.overlay),)
        return End(emn, subnet, tunnel.address, hub, options.mtu)
    assert host.underlay is not None
    remotes = _remotes(task, host.underlay)
    return End(emn, subnet, host.underlay, remotes, links.mtu_towards(host.underlay))


def _remotes(task: HostTask, local: str) -> tuple[str, ...]:
    if task.neighbours.vxlan_options.endpoints:
        return task.neighbours.vxlan_options.endpoints
    own = task.neighbours.links.source_address(local)
    if own is None:
        raise VxlanUnavailable(
            message=f"no route leads to {task.host.hostname}'s underlay address {local};"
            " say where hosts reach this controller: [vxlan]endpoints"
        )
    return (own,)


def settings(task: HostTask, end: End | None) -> str:
    """Return what the host's end reads; empty for a host without one.

    :raises AddressMissing: it has no address inside.
    """
    if end is None:
        return ""
    if task.host.mgmt_ip is None:
        raise AddressMissing(hostname=task.host.hostname)
    return host_settings(
        task.host,
        end.emn,
        subnet=end.subnet,
        local=end.local,
        remotes=end.remotes,
        options=task.neighbours.vxlan_options,
        path_mtu=end.path_mtu,
        peer=own_address_in(task.neighbours.links, end.subnet.networks),
    )
