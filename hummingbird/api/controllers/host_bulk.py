# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/bulk_add and bulk_export: many hosts by one file.

All hosts of a file are checked before the first is added: where one is wrong, none is
added. Then each is added by itself, some to a transaction, so that those that are there
already hold up no others, and a file can be sent again.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from hummingbird.api.controllers.host_action import apply_action
from hummingbird.api.controllers.host_add import add
from hummingbird.api.http.call import Call
from hummingbird.api.schema.host_bulk import (
    MAX_BYTES,
    Entry,
    parse_hosts,
    read_file,
)
from hummingbird.api.view.host_bulk import hosts_file
from hummingbird.db.repository import credential, emn, host
from hummingbird.db.session import Connection
from hummingbird.domain.board import board_of
from hummingbird.errors import DatabaseUnavailable, HostFileInvalid, HummingbirdError

_AT_ONCE: Final = 50
"""Hosts of one transaction: others write between, and a commit costs little each."""


def add_all(call: Call) -> Any:
    """POST /v1/ihosts/bulk_add: always 200, what went well and what did not as texts"""
    body = call.read(MAX_BYTES)
    try:
        content_type = call.request.headers.get("Content-Type", "")
        entries = parse_hosts(read_file(content_type, body))
    except HostFileInvalid as error:
        return {"success": "", "error": str(error)}
    added: list[str] = []
    refused: list[str] = []
    rest = iter(entries)
    while batch := list(islice(rest, _AT_ONCE)):
        good, bad = _add_some(call, batch)
        added += good
        refused += bad
    if any(entry.powers_on for entry in entries):
        call.dependencies.hurry()
    return {
        "success": "".join(f"\n {line}" for line in added),
        "error": "".join(f" {line}\n" for line in refused),
    }


def export(call: Call) -> Any:
    """GET /v1/ihosts/bulk_export"""
    with call.dependencies.database.snapshot() as connection:
        hosts = host.list_all(connection, sort_key="hostname")
        emns = {one.id: one.name for one in emn.list_all(connection)}
        credentials = {one.id: one.name for one in credential.list_all(connection)}
    return {"content": hosts_file(hosts, emns=emns, credentials=credentials)}


def _add_some(call: Call, entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    """Add some hosts in one transaction; one that is refused leaves nothing behind.

    :returns: what is said of those that were added, and of those that were refused.
    """
    database = call.dependencies.database

    def work(connection: Connection) -> tuple[list[str], list[str]]:
        added: list[str] = []
        refused: list[str] = []
        part = database.joined(connection)
        for entry in entries:
            try:
                with part.writer():
                    added.append(_add_one(call, connection, entry))
            except DatabaseUnavailable:
                raise
            except HummingbirdError as error:
                refused.append(f"{entry.new.hostname}: {error}")
        return added, refused

    return database.write(work)


def _add_one(call: Call, connection: Connection, entry: Entry) -> str:
    """Add a host, switch it on if that was asked; return what is said of it."""
    new = entry.new
    call.dependencies.neighbour.refuse_taken(
        hostname=new.hostname, mgmt_mac=new.mgmt_mac, mgmt_ip=new.mgmt_ip
    )
    found = add(call, connection, new, now=call.dependencies.clock.now())
    if not entry.powers_on:
        return found.hostname
    if board_of(found) is None:
        return (
            f"{found.hostname} Warning: Ignoring <power_on> due to insufficient board "
            "management (bm) data."
        )
    apply_action(call, connection, found, "power-on")
    return found.hostname
