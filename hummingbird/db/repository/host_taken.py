# SPDX-License-Identifier: Apache-2.0
"""Who has the names and addresses that a host is to have."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from hummingbird.db.model import HOST
from hummingbird.db.repository import address
from hummingbird.errors import (
    AddressReserved,
    AddressTaken,
    BoardAddressTaken,
    HostnameTaken,
    HummingbirdError,
    MacTaken,
    UnderlayTaken,
)


def refuse_taken(
    connection: Connection,
    *,
    hostname: str,
    mgmt_mac: str,
    addresses: Sequence[str],
    bm_ip: object = None,
) -> None:
    """See that no host has one of these names, and nobody one of the addresses.

    :raises HostnameTaken, MacTaken, AddressTaken, AddressReserved, BoardAddressTaken:
        somebody has it.
    """
    # Who has the addresses is asked first and told last: a host that is added in between
    # would otherwise be refused for a reason that depends on the moment.
    try:
        address.refuse_taken(connection, addresses)
        if bm_ip and address.holder(connection, str(bm_ip)) is not None:
            raise BoardAddressTaken(address=bm_ip)
        taken: HummingbirdError | None = None
    except (AddressTaken, AddressReserved, BoardAddressTaken) as error:
        taken = error
    holders = connection.execute(
        select(HOST.c.hostname).where(
            (HOST.c.hostname == hostname) | (HOST.c.mgmt_mac == mgmt_mac)
        )
    ).all()
    if any(holder.hostname == hostname for holder in holders):
        raise HostnameTaken(hostname=hostname)
    if holders:
        raise MacTaken(mac=mgmt_mac)
    if taken is not None:
        raise taken


def refuse_taken_underlay(
    connection: Connection, underlay: str | None, *, but: int | None = None
) -> None:
    """See that no host has this address below its tunnel.

    :param but: a host that may have it.
    :raises UnderlayTaken: one has.
    """
    if underlay is None:
        return
    holder = connection.execute(
        select(HOST.c.id, HOST.c.hostname).where(HOST.c.underlay == underlay)
    ).first()
    if holder is not None and holder.id != but:
        raise UnderlayTaken(address=underlay, holder=holder.hostname)


def refuse_all(
    connection: Connection,
    *,
    hostname: str,
    mgmt_mac: str,
    addresses: Sequence[str],
    bm_ip: object,
    underlay: str | None,
) -> None:
    """See that nobody has anything that a new host is to have.

    :raises HummingbirdError: somebody has, in the words of its class.
    """
    refuse_taken(
        connection,
        hostname=hostname,
        mgmt_mac=mgmt_mac,
        addresses=addresses,
        bm_ip=bm_ip,
    )
    refuse_taken_underlay(connection, underlay)
