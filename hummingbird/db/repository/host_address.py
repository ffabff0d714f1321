# SPDX-License-Identifier: Apache-2.0
"""A host's rows in the table of addresses, as its mgmt_ip and bm_ip say. The host's own
repository calls this with each change of them; nobody else does."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from hummingbird.db.repository import address, board, condition
from hummingbird.domain.address import Role, key
from hummingbird.domain.condition import POWERED
from hummingbird.domain.host import Host
from hummingbird.errors import BoardAddressTaken


def keep_new(
    connection: Connection,
    host_id: int,
    hostname: str,
    addresses: Iterable[str],
    bm_ip: object,
    *,
    now: datetime,
) -> None:
    """Store the addresses of a new host, and of its board management.

    :raises IntegrityError: somebody has one; the caller has begun a savepoint.
    """
    keep = partial(address.put, connection, host_id=host_id, now=now)
    for one in addresses:
        keep(one, role=Role.HOST, name=f"{hostname}-mgmt")
    if bm_ip:
        keep(str(bm_ip), role=Role.BOARD, name=f"{hostname}-bm")


def move_to(
    connection: Connection,
    host: Host,
    mgmt_ip: str | None,
    emn_id: int | None,
    *,
    now: datetime,
) -> None:
    """Have the host's addresses be what another mgmt_ip, of `emn_id`, makes of them.

    It takes the place of the one of its family, else of the former mgmt_ip. What the
    host had in another EMN beside it is given back.

    :raises AddressTaken, AddressReserved: somebody has it.
    """
    if mgmt_ip is None:
        address.remove_of_host(connection, host.id)
        return
    had = address.of_host(connection, host.id)
    if emn_id != host.emn_id:
        for one in had:
            if one.address not in (host.mgmt_ip, mgmt_ip):
                address.remove(connection, one)
        had = [one for one in had if one.address in (host.mgmt_ip, mgmt_ip)]
    if any(one.address == mgmt_ip for one in had):
        return
    family = key(mgmt_ip)[0]
    place = next((one for one in had if one.key[0] == family), None) or next(
        (one for one in had if one.address == host.mgmt_ip), None
    )
    if place is not None:
        address.move(connection, place, mgmt_ip, now=now)
        return
    name = f"{host.hostname}-mgmt"
    address.add(
        connection, mgmt_ip, role=Role.HOST, name=name, host_id=host.id, now=now
    )


def keep_board(
    connection: Connection, host: Host, bm_ip: object, *, now: datetime
) -> None:
    """Have `bm_ip`, if any, be the address of the host's board management.

    :raises BoardAddressTaken: somebody has it.
    """
    if bm_ip == host.attributes.get("bm_ip"):
        return
    address.remove_of_host(connection, host.id, role=Role.BOARD)
    board.forget(connection, host.id)
    condition.forget(connection, host.id, POWERED)
    if bm_ip:
        if address.holder(connection, str(bm_ip)) is not None:
            raise BoardAddressTaken(address=bm_ip)
        address.add(
            connection,
            str(bm_ip),
            role=Role.BOARD,
            name=f"{host.hostname}-bm",
            host_id=host.id,
            now=now,
        )
