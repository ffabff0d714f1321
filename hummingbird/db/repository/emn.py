# SPDX-License-Identifier: Apache-2.0
"""EMNs: rows in, domain objects out."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, select, update

from hummingbird.db.model import EMN
from hummingbird.db.repository import host
from hummingbird.domain.emn import Attachment, Emn, containing, overlapping
from hummingbird.errors import AddressOutsideEveryNetwork, EmnInUse, EmnTaken, NotFound


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
    now: datetime,
) -> Emn:
    """Store a new EMN; `site` defaults to its name.

    :raises EmnTaken: the name is in use, or the addresses are another's.
    """
    networks = list_all(connection)
    holder = next((n for n in networks if n.name == name), None) or overlapping(
        networks, cidr
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
            created_at=now,
        )
    )
    return find(connection, uuid)


def change(connection: Connection, emn: Emn, **values: Any) -> Emn:
    """Write `values` (site, credential_id, attachment, gateway, mtu) to the EMN."""
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
