# SPDX-License-Identifier: Apache-2.0
"""What hosts are made of, from what their agents say: /v1/ihosts/{host}/{collection}, the
items by their uuids, and all of it as it was said."""

from typing import Any

from webob.exc import HTTPNotFound

from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler
from hummingbird.api.listing import PAGING, listing
from hummingbird.api.view.host import COLLECTIONS as HOST_COLLECTIONS
from hummingbird.api.view.interface_network import interface_networks
from hummingbird.api.view.inventory import COLLECTIONS, PARTS, Collection
from hummingbird.api.view.inventory_item import Row, Seen
from hummingbird.api.view.link import links
from hummingbird.db.repository import emn, facts, host
from hummingbird.db.session import Connection
from hummingbird.domain.host import Host
from hummingbird.errors import NotFound

_FURTHER = (
    "addresses",
    "routes",
    "interface_datanetworks",
    "ptp_instances",
    "ptp_interfaces",
)
"""Sub-collections that sysinv serves without naming them in the host."""


def collection(call: Call) -> Any:
    """GET /v1/ihosts/{host}/{collection}; what no report fills is an empty list."""
    name, kind = call.names
    if kind not in HOST_COLLECTIONS and kind not in _FURTHER:
        raise HTTPNotFound()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, name)
        view = COLLECTIONS.get(kind)
        rows = [] if view is None else _rows(call, connection, found, view)
    return {kind: rows}


def every(kind: str) -> Handler:
    """Return what lists a collection over all hosts."""
    view = COLLECTIONS[kind]

    def list_all(call: Call) -> Any:
        arguments = call.arguments(*PAGING)
        with call.dependencies.database.snapshot() as connection:
            hosts = {one.id: one for one in host.list_all(connection)}
            rows: list[Row] = []
            for host_id, section in facts.hosts_with(connection, view.section):
                if (found := hosts.get(host_id)) is not None:
                    rows += view.rows(Seen(found, {view.section: section}, call.base))
        return listing(call, kind, enumerate(rows, 1), arguments)

    return list_all


def item(kind: str) -> Handler:
    """Return what shows one item of a collection by its uuid."""
    view = COLLECTIONS[kind]

    def get(call: Call) -> Any:
        with call.dependencies.database.snapshot() as connection:
            found = _host_of(connection, kind, call.name)
            rows = _rows(call, connection, found, view, one=True)
        for row in rows:
            if row["uuid"] == call.name:
                return row
        raise NotFound(kind=kind, name=call.name)

    return get


def part(kind: str, of: str) -> Handler:
    """Return what lists the items of `kind` that hang on an item of `of`."""
    field, view = PARTS[of, kind], COLLECTIONS[kind]

    def list_some(call: Call) -> Any:
        with call.dependencies.database.snapshot() as connection:
            found = _host_of(connection, of, call.name)
            rows = _rows(call, connection, found, view)
        return {kind: [row for row in rows if row[field] == call.name]}

    return list_some


def nothing(kind: str, of: str) -> Handler:
    """Return what answers with an empty list of `kind` for an item of `of`."""

    def list_none(call: Call) -> Any:
        with call.dependencies.database.reader() as connection:
            _host_of(connection, of, call.name)
        return {kind: []}

    return list_none


def networks_of_host(call: Call) -> Any:
    """GET /v1/ihosts/{host}/interface_networks"""
    with call.dependencies.database.snapshot() as connection:
        rows = _networks(call, connection, host.find(connection, call.name))
    return {"interface_networks": rows}


def networks_of_interface(call: Call) -> Any:
    """GET /v1/iinterfaces/{uuid}/interface_networks"""
    with call.dependencies.database.snapshot() as connection:
        found = _host_of(connection, "iinterfaces", call.name)
        rows = _networks(call, connection, found)
    mine = [row for row in rows if row["interface_uuid"] == call.name]
    return {"interface_networks": mine}


def kernel(call: Call) -> Any:
    """GET /v1/ihosts/{host}/kernel"""
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        section = facts.sections(connection, found.id, "system").get("system")
    system = None if section is None else section.body
    running = system.get("kernel_running") if isinstance(system, dict) else None
    return {
        "ihost_uuid": found.uuid,
        "hostname": found.hostname,
        "kernel_provisioned": "standard",
        "kernel_running": running,
        "links": links(call.base, f"ihosts/{found.uuid}/kernel"),
    }


def get(call: Call) -> Any:
    """GET /v1/ihosts/{host}/facts: everything that was said, and how old it is.

    :raises NotFound: nothing was ever reported.
    """
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        reported = facts.of_host(connection, found.id)
        sections = facts.sections(connection, found.id)
    if reported is None:
        raise NotFound(kind="A report of host", name=found.hostname)
    age = call.dependencies.clock.now() - reported.reported_at
    return {
        "hostname": found.hostname,
        "content_hash": reported.content_hash,
        "reported_at": reported.reported_at.isoformat(),
        "changed_at": reported.changed_at.isoformat(),
        "age_seconds": round(age.total_seconds(), 1),
        "facts": {name: section.body for name, section in sections.items()},
    }


def _networks(call: Call, connection: Connection, of: Host) -> list[Row]:
    network = None if of.emn_id is None else emn.find(connection, str(of.emn_id))
    sections = facts.sections(connection, of.id, "interfaces")
    return interface_networks(Seen(of, sections, call.base), network=network)


def _host_of(connection: Connection, kind: str, uuid: str) -> Host:
    host_id = facts.host_of_item(connection, uuid, section=COLLECTIONS[kind].section)
    if host_id is None:
        raise NotFound(kind=kind, name=uuid)
    return host.get(connection, host_id)


def _rows(
    call: Call,
    connection: Connection,
    of: Host,
    view: Collection,
    *,
    one: bool = False,
) -> list[Row]:
    sections = facts.sections(connection, of.id, *view.sections)
    show = view.one if one and view.one is not None else view.rows
    return show(Seen(of, sections, call.base))
