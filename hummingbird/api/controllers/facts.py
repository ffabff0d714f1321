# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/…: what hangs on a host, from its agent's last report."""

from typing import Any

from webob.exc import HTTPNotFound

from hummingbird.api.call import Call
from hummingbird.api.view.host import COLLECTIONS
from hummingbird.api.view.inventory import inventory
from hummingbird.api.view.link import links
from hummingbird.db.repository import facts, host
from hummingbird.errors import NotFound

_FURTHER = (
    "addresses",
    "routes",
    "interface_networks",
    "interface_datanetworks",
    "ptp_instances",
    "ptp_interfaces",
)
"""Sub-collections that sysinv serves without naming them in the host."""


def collection(call: Call) -> Any:
    """GET /v1/ihosts/{host}/{collection}; what no report fills is an empty list."""
    name, kind = call.names
    if kind not in COLLECTIONS and kind not in _FURTHER:
        raise HTTPNotFound()
    with call.parts.database.reader() as connection:
        found = host.find(connection, name)
        reported = facts.of_host(connection, found.id)
    return {kind: inventory(kind, found, reported, base=call.base)}


def kernel(call: Call) -> Any:
    """GET /v1/ihosts/{host}/kernel"""
    with call.parts.database.reader() as connection:
        found = host.find(connection, call.name)
        reported = facts.of_host(connection, found.id)
    system = None if reported is None else reported.body.get("system")
    running = system.get("kernel_running") if isinstance(system, dict) else None
    return {
        "ihost_uuid": found.uuid,
        "hostname": found.hostname,
        "kernel_provisioned": "standard",
        "kernel_running": running,
        "links": links(call.base, f"ihosts/{found.uuid}/kernel"),
    }


def get(call: Call) -> Any:
    """GET /v1/ihosts/{host}/facts: the whole report, and how old it is.

    :raises NotFound: nothing was ever reported.
    """
    with call.parts.database.reader() as connection:
        found = host.find(connection, call.name)
        reported = facts.of_host(connection, found.id)
    if reported is None:
        raise NotFound(kind="A report of host", name=found.hostname)
    age = call.parts.clock.now() - reported.reported_at
    return {
        "hostname": found.hostname,
        "content_hash": reported.content_hash,
        "reported_at": reported.reported_at.isoformat(),
        "changed_at": reported.changed_at.isoformat(),
        "age_seconds": round(age.total_seconds(), 1),
        "facts": reported.body,
    }
