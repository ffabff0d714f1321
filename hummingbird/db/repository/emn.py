# SPDX-License-Identifier: Apache-2.0
"""EMNs: rows in, domain objects out."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, select, update

from hummingbird.db.model import EMN
from hummingbird.db.repository import address_pool, host
from hummingbird.domain.address_pool import check_usable, parse_network
from hummingbird.domain.emn import (
    MN,
    WITH_VXLAN,
    Attachment,
    Emn,
    overlapping,
    within,
)
from hummingbird.domain.vxlan import FIRST_VNI
from hummingbird.errors import (
    AddressOutsideEveryNetwork,
    EmnGenerationConflict,
    EmnInUse,
    EmnTaken,
    NotFound,
    OutsideManagementNetwork,
    VniTaken,
)


def _emn(row: Row[Any]) -> Emn:
    values = dict(row._mapping)
    return Emn(**{**values, "attachment": Attachment(values["attachment"])})


def list_all(connection: Connection) -> list[Emn]:
    """Return every EMN, by id."""
    return [_emn(row) for row in connection.execute(select(EMN).order_by(EMN.c.id))]


def find(connection: Connection, name: str) -> Emn:
    """Return the EMN that `name` means: an integer id, a uuid or a name.

    :raises NotFound: there is none.
    """
    if name.isascii() and name.isdigit() and len(name) < 10:
        where = EMN.c.id == int(name)
    else:
        try:
            where = EMN.c.uuid == str(UUID(name))
        except ValueError:
            where = EMN.c.name == name
    row = connection.execute(select(EMN).where(where)).first()
    if row is None:
        raise NotFound(kind="EMN", name=name)
    return _emn(row)


def create(
    connection: Connection,
    *,
    name: str,
    cidr: str,
    attachment: Attachment,
    site: str | None,
    credential_id: int | None,
    gateway: str | None = None,
    mtu: int | None = None,
    vni: int | None = None,
    lan_interface: str | None = None,
    dynamic: bool = False,
    with_pools: bool = True,
    now: datetime,
) -> Emn:
    """Store a new EMN; `site` defaults to its name, and with VXLAN `vni` to a free one.

    :param with_pools: False: whoever calls has a pool of this cidr be of it.

    :raises EmnTaken: the name is in use, or the addresses are another's.
    :raises OutsideManagementNetwork, VniTaken: it can't be attached by VXLAN.
    """
    address_pool.alone(connection)
    networks = list_all(connection)
    others = networks
    mn: Emn | None = None
    if attachment in WITH_VXLAN:
        mn = _management_network(networks, cidr)
        others = [network for network in networks if network is not mn]
        vni = _free_vni(networks, vni)
    holder = next((n for n in networks if n.name == name), None) or overlapping(
        others, cidr
    )
    if holder is not None:
        raise EmnTaken(name=name, holder=f"{holder.name} ({holder.cidr})")
    uuid = str(uuid4())
    connection.execute(
        EMN.insert().values(
            uuid=uuid,
            name=name,
            cidr=cidr,
            attachment=attachment.value,
            site=site or name,
            credential_id=credential_id,
            gateway=gateway,
            mtu=mtu,
            vni=vni,
            lan_interface=lan_interface,
            dynamic=dynamic,
            created_at=now,
        )
    )
    added = find(connection, uuid)
    for net in added.networks if with_pools else ():
        address_pool.create(
            connection,
            name=f"{name}-ipv{net.version}",
            network=parse_network(str(net.network_address), net.prefixlen),
            emn_id=added.id,
            parts_of=() if mn is None else (mn.id,),
            now=now,
        )
    return added


def surrounding(connection: Connection, emn: Emn) -> tuple[int, ...]:
    """Return the EMNs of whose networks those of `emn` are parts."""
    if not emn.has_vxlan:
        return ()
    return tuple(
        one.id
        for one in list_all(connection)
        if one.attachment is Attachment.DIRECT and one.id != emn.id
    )


def _management_network(networks: list[Emn], cidr: str) -> Emn:
    """Return the network that an EMN of `cidr` becomes one with."""
    found = within(networks, cidr)
    if found is None:
        direct = (n.cidr for n in networks if n.attachment is Attachment.DIRECT)
        raise OutsideManagementNetwork(cidr=cidr, mn=", ".join(direct) or "none")
    return found


def _free_vni(networks: list[Emn], wanted: int | None) -> int:
    taken = {network.vni: network.name for network in networks if network.vni}
    if wanted is None:
        return max((FIRST_VNI - 1, *taken)) + 1
    if wanted in taken:
        raise VniTaken(vni=wanted, holder=taken[wanted])
    return wanted


def change(connection: Connection, emn: Emn, **values: Any) -> Emn:
    """Write `values` to the EMN as it was read; return it as it is now.

    :raises EmnGenerationConflict: somebody changed it meanwhile.
    :raises OutsideManagementNetwork, VniTaken: it can't be attached by VXLAN.
    """
    attachment = Attachment(values.get("attachment", emn.attachment))
    if attachment in WITH_VXLAN:
        others = [network for network in list_all(connection) if network.id != emn.id]
        _management_network(others, values.get("cidr", emn.cidr))
        values["vni"] = _free_vni(others, values.get("vni", emn.vni))
    result = connection.execute(
        update(EMN)
        .where(EMN.c.id == emn.id, EMN.c.generation == emn.generation)
        .values(generation=emn.generation + 1, **values)
    )
    if result.rowcount != 1:
        raise EmnGenerationConflict(name=emn.name)
    return find(connection, emn.uuid)


def of_host(connection: Connection, emn_id: int | None) -> Emn | None:
    """Return the EMN of this id, a host's; None where it has none yet."""
    row = connection.execute(select(EMN).where(EMN.c.id == emn_id)).first()
    return None if row is None else _emn(row)


def remove(connection: Connection, emn: Emn) -> None:
    """Delete the EMN.

    :raises EmnInUse: it has hosts.
    """
    # Before what is in them: who adds a host takes a pool, then the EMN, then an address.
    pools = [
        address_pool.hold(connection, pool)
        for pool in address_pool.of_emn(connection, emn.id)
    ]
    connection.execute(select(EMN.c.id).where(EMN.c.id == emn.id).with_for_update())
    count = host.using(connection, emn_id=emn.id)
    if count:
        raise EmnInUse(name=emn.name, count=count)
    for pool in pools:
        address_pool.remove(connection, pool)
    connection.execute(delete(EMN).where(EMN.c.id == emn.id))


def remove_alone(connection: Connection, emn: Emn, *, now: datetime) -> None:
    """Delete the EMN; its pools stay, and are of none.

    :raises EmnInUse: it has hosts.
    """
    for pool in address_pool.of_emn(connection, emn.id):
        address_pool.change(connection, pool, now=now, emn_id=None)
    remove(connection, emn)


def take_networks(connection: Connection, emn: Emn) -> Emn:
    """Have the EMN's cidr say what its pools are; return it as it is now.

    :raises EmnGenerationConflict: somebody changed it meanwhile.
    """
    pools = address_pool.of_emn(connection, emn.id)
    cidr = ",".join(pool.cidr for pool in pools)
    return emn if cidr == emn.cidr else change(connection, emn, cidr=cidr)


def of_address(connection: Connection, address: str) -> Emn:
    """Return the EMN that `address` is in, where a host can have it.

    :raises AddressOutsideEveryNetwork: none contains it.
    :raises AddressNotUsable: it is not a host's.
    """
    pool = address_pool.of_address(connection, address)
    emn = None if pool is None else of_host(connection, pool.emn_id)
    if pool is None or emn is None:
        raise AddressOutsideEveryNetwork(address=address)
    check_usable(address, parse_network(pool.network, pool.prefix))
    return emn


def that_gives(connection: Connection) -> Emn | None:
    """Return the EMN whose pools give addresses to hosts that are added without: the MN
    if it does, else the oldest that does; None: none does."""
    rows = connection.execute(
        select(EMN).where(EMN.c.dynamic).order_by(EMN.c.name != MN, EMN.c.id).limit(1)
    )
    row = rows.first()
    return None if row is None else _emn(row)
