# SPDX-License-Identifier: Apache-2.0
"""/v1/addresses and /v1/ihosts/{host}/addresses: who has which address.

A host's first address is its mgmt_ip, and is set there. In a network of two families it
may have a second one, which is added and taken back here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.listing import PAGING, next_link
from hummingbird.api.schema.address import parse_new_address
from hummingbird.api.schema.page import parse_page
from hummingbird.api.view.address import (
    Interfaces,
    Pools,
    address_full,
    address_short,
)
from hummingbird.db.repository import address, address_pool, emn, facts, host
from hummingbird.db.session import Connection
from hummingbird.domain.address import Address, Role
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import BUSY, UNLOCKED
from hummingbird.errors import AddressRefused, BadRequest, HostBusy, NotLocked


def list_all(call: Call) -> Any:
    """GET /v1/addresses"""
    arguments = call.arguments(*PAGING)
    page = parse_page(arguments, maximum=call.dependencies.conf.api.max_limit)
    if page.sort_key != "id":
        raise BadRequest(message=f"Invalid sort key: {page.sort_key[:40]}.")
    with call.dependencies.database.snapshot() as connection:
        after = page.marker and address.find(connection, page.marker)
        found = address.list_all(
            connection,
            descending=page.descending,
            limit=page.limit,
            after=after or None,
        )
        answer: dict[str, Any] = {
            "addresses": _shown(connection, found, pools=_pools(connection))
        }
    if page.limit is not None and len(found) == page.limit:
        answer["next"] = next_link(
            call,
            "addresses",
            limit=page.limit,
            marker=found[-1].uuid,
            sort_key="id",
            descending=page.descending,
        )
    return answer


def list_of_host(call: Call) -> Any:
    """GET /v1/ihosts/{host}/addresses"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        addresses = address.of_host(connection, found.id)
        return {
            "addresses": _shown(connection, addresses, pools=_pools(connection, found))
        }


def get(call: Call) -> Any:
    """GET /v1/addresses/{address}: by id or uuid"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = address.find(connection, call.name)
        return address_full(
            found,
            pools=_pools(connection),
            interfaces=_interfaces(connection, [found]),
        )


def create(call: Call) -> Any:
    """POST /v1/addresses: a second address of a host, of its network's other family"""
    call.arguments()
    new = parse_new_address(call.json_object())
    with call.dependencies.database.writer() as connection:
        owner = host.find_held(connection, new.host)
        _refuse_in_service(owner, action="add an address to")
        network = emn.of_address(connection, new.address)
        if owner.mgmt_ip is None or network.id != owner.emn_id:
            raise AddressRefused(
                message=f"{new.address} is in EMN {network.name}, and host"
                f" {owner.hostname} is not; its first address is set as its mgmt_ip."
            )
        family = ":" in new.address
        if any(
            (":" in one.address) == family
            for one in address.of_host(connection, owner.id)
        ):
            raise AddressRefused(
                message=f"Host {owner.hostname} has an address of this family already."
            )
        added = address.add(
            connection,
            new.address,
            role=Role.HOST,
            name=f"{owner.hostname}-mgmt",
            host_id=owner.id,
            now=call.dependencies.clock.now(),
        )
        _note_change(call, connection, owner)
        return address_full(
            added,
            pools=_pools(connection, owner),
            interfaces=_interfaces(connection, [added]),
        )


def remove(call: Call) -> None:
    """DELETE /v1/addresses/{address}: a host's second address"""
    call.arguments()
    with call.dependencies.database.writer() as connection:
        found = address.find(connection, call.name)
        if found.role is Role.CONTROLLER:
            # A controller that is gone for good; one that lives keeps it again.
            address.remove(connection, found)
            return
        if found.host_id is None or found.role is not Role.HOST:
            raise AddressRefused(
                message=f"{found.address} is kept for {found.name}; it is given back"
                " where it was set."
            )
        owner = host.find_held(connection, str(found.host_id))
        _refuse_in_service(owner, action="take an address from")
        if found.address == owner.mgmt_ip:
            raise AddressRefused(
                message=f"{found.address} is the mgmt_ip of host {owner.hostname}; set"
                " another there, or none."
            )
        address.remove(connection, found)
        _note_change(call, connection, owner)


def _shown(
    connection: Connection, found: Sequence[Address], *, pools: Pools
) -> list[dict[str, Any]]:
    interfaces = _interfaces(connection, found)
    return [address_short(one, pools=pools, interfaces=interfaces) for one in found]


def _interfaces(connection: Connection, found: Iterable[Address]) -> Interfaces:
    """Return what the hosts of these addresses told of their interfaces."""
    hosts = {one.host_id for one in found if one.host_id is not None}
    return facts.interfaces(connection, hosts)


def _note_change(call: Call, connection: Connection, owner: Host) -> None:
    # What was put on it names the addresses that it had.
    host.change(
        connection, owner, now=call.dependencies.clock.now(), provisioned_plan=None
    )


def _refuse_in_service(owner: Host, *, action: str) -> None:
    if owner.state in UNLOCKED:
        raise NotLocked(action=action, hostname=owner.hostname)
    if owner.state in BUSY:
        purpose = owner.reservation_purpose or "a run"
        raise HostBusy(hostname=owner.hostname, purpose=purpose)


def _pools(connection: Connection, owner: Host | None = None) -> Pools:
    if owner is None:
        found = address_pool.list_all(connection)
    else:
        found = (
            []
            if owner.emn_id is None
            else address_pool.of_emn(connection, owner.emn_id)
        )
    return {pool.id: pool for pool in found}
