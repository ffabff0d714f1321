# SPDX-License-Identifier: Apache-2.0
"""How a host comes into the inventory: all of it in one transaction, with an address that
was chosen or is given out, or without one."""

from collections.abc import Callable
from datetime import datetime

from hummingbird.api.http.call import Call
from hummingbird.api.schema.host import NewHost
from hummingbird.db.repository import (
    address_gift,
    address_pool,
    credential,
    emn,
    event_log,
    host,
)
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import host_log
from hummingbird.domain.board import BOUND, bound_to
from hummingbird.domain.emn import Emn
from hummingbird.domain.host import Host, pin
from hummingbird.errors import AddressRefused, AddressTaken

_TRIES = 10
"""How often an address that is given out may be chosen by somebody in that moment."""


def add(call: Call, connection: Connection, new: NewHost, *, now: datetime) -> Host:
    """Store the host, and that it was added.

    :raises HummingbirdError: a name or an address is another's, or there is no such
        network or credential.
    """
    call.dependencies.neighbour.refuse_taken(
        hostname=new.hostname, mgmt_mac=new.mgmt_mac, mgmt_ip=new.mgmt_ip
    )
    attributes = dict(new.attributes)
    if new.bm_password:
        attributes["bm_password_sealed"] = call.dependencies.box.seal(new.bm_password)
        attributes[BOUND] = bound_to(attributes)
    network = _network(connection, new)
    credential_id = credential_id_of(connection, new.credential)

    def create(mgmt_ip: str | None, *further: str) -> Host:
        return host.create(
            connection,
            hostname=new.hostname,
            mgmt_mac=new.mgmt_mac,
            mgmt_ip=mgmt_ip,
            further=further,
            underlay=new.underlay,
            emn_id=None if network is None else network.id,
            credential_id=credential_id,
            serialid=new.serialid,
            location=new.location,
            capabilities=new.capabilities,
            attributes=attributes,
            known_hosts=pin(new.hostname, new.host_key) if new.host_key else None,
            now=now,
        )

    if new.mgmt_ip is not None or network is None:
        added = create(new.mgmt_ip)
    else:
        added = _with_given(connection, network, create)
    event_log.append(
        connection,
        host_log(
            "200.020",
            added.hostname,
            instance="event=add",
            text="has been 'added' to the system",
        ),
        now=now,
    )
    return added


def emn_id_of(connection: Connection, address: str | None) -> int | None:
    """Return the EMN that an address is in.

    :raises AddressOutsideEveryNetwork, AddressNotUsable: it is in none, or no host's.
    """
    return None if address is None else emn.of_address(connection, address).id


def credential_id_of(connection: Connection, name: str | None) -> int | None:
    """Return the credential of this name.

    :raises NotFound: there is none.
    """
    return None if name is None else credential.find(connection, name).id


def _network(connection: Connection, new: NewHost) -> Emn | None:
    named = None if new.emn is None else emn.find(connection, new.emn)
    if new.mgmt_ip is None:
        return named or emn.that_gives(connection)
    found = emn.of_address(connection, new.mgmt_ip)
    if named is not None and named.id != found.id:
        raise AddressRefused(
            message=f"{new.mgmt_ip} is in EMN {found.name}, not in {named.name}."
        )
    return found


def _with_given(
    connection: Connection, network: Emn, create: Callable[..., Host]
) -> Host:
    """Have the host created with an address of each pool of its network."""
    pools = address_pool.of_emn(connection, network.id)
    tries = _TRIES
    while True:
        addresses = [address_gift.give(connection, pool) for pool in pools]
        try:
            return create(*addresses)
        except AddressTaken as error:
            # Chosen by somebody else since it was looked for (PostgreSQL only).
            tries -= 1
            if not tries or error.facts["address"] not in addresses:
                raise
