# SPDX-License-Identifier: Apache-2.0
"""EMNs: rows in, domain objects out."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, select, update

from hummingbird.db.model import EMN
from hummingbird.db.repository import host
from hummingbird.domain.emn import (
    WITH_VXLAN,
    Attachment,
    Emn,
    containing,
    overlapping,
    within,
)
from hummingbird.domain.vxlan import FIRST_VNI
from hummingbird.errors import (
    AddressOutsideEveryNetwork,
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
    now: datetime,
) -> Emn:
    """Store a new EMN; `site` defaults to its name, and with VXLAN `vni` to a free one.

    :raises EmnTaken: the name is in use, or the addresses are another's.
    :raises OutsideManagementNetwork, VniTaken: it can't be attached by VXLAN.
    """
    networks = list_all(connection)
    others = networks
    if attachment in WITH_VXLAN:
        mn = _management_network(networks, cidr)
        others = [network for network in networks if network.id != mn.id]
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
            created_at=now,
        )
    )
    return find(connection, uuid)


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
    """Write `values` (site, credential_id, attachment, gateway, mtu, vni,
    lan_interface) to the EMN.

    :raises OutsideManagementNetwork, VniTaken: it can't be attached by VXLAN.
    """
    attachment = Attachment(values.get("attachment", emn.attachment))
    if attachment in WITH_VXLAN:
        others = [network for network in list_all(connection) if network.id != emn.id]
        _management_network(others, emn.cidr)
        values["vni"] = _free_vni(others, values.get("vni", emn.vni))
    connection.execute(update(EMN).where(EMN.c.id == emn.id).values(**values))
    return find(connection, emn.uuid)


def of_host(connection: Connection, emn_id: int | None) -> Emn | None:
    """Return the EMN of this id, a host's; None where it has none yet."""
    row = connection.execute(select(EMN).where(EMN.c.id == emn_id)).first()
    return None if row is None else _emn(row)


def remove(connection: Connection, emn: Emn) -> None:
    """Delete the EMN.

    :raises EmnInUse: it has hosts.
    """
    count = host.using(connection, emn_id=emn.id)
    if count:
        raise EmnInUse(name=emn.name, count=count)
    connection.execute(delete(EMN).where(EMN.c.id == emn.id))


def of_address(connection: Connection, address: str) -> Emn:
    """Return the EMN that `address` is in.

    :raises AddressOutsideEveryNetwork: none contains it.
    """
    emn = containing(list_all(connection), address)
    if emn is None:
        raise AddressOutsideEveryNetwork(address=address)
    return emn
