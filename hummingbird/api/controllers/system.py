# SPDX-License-Identifier: Apache-2.0
"""/v1/isystems: this system, which `system show` and Horizon ask for."""

from typing import Any
from weakref import WeakKeyDictionary

from hummingbird.api.http.call import Call
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.api.view.system import system_view
from hummingbird.db.repository import system
from hummingbird.db.session import Connection, Engine
from hummingbird.errors import NotFound

_KNOWN: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()
"""A system's uuid is made once and never changes."""


def system_uuid(dependencies: Dependencies, connection: Connection) -> str:
    """Return this system's uuid, read once a database."""
    uuid = _KNOWN.get(dependencies.database.engine)
    if uuid is None:
        uuid = _KNOWN[dependencies.database.engine] = system.get(connection).uuid
    return uuid


def adopt_uuid(dependencies: Dependencies, uuid: str) -> None:
    """Be the system that `uuid` is: sysinv's, before which this API stands."""
    if _KNOWN.get(dependencies.database.engine) != uuid:
        with dependencies.database.writer() as connection:
            system.adopt_uuid(connection, uuid)
        _KNOWN[dependencies.database.engine] = uuid


def list_all(call: Call) -> Any:
    """GET /v1/isystems"""
    with call.dependencies.database.reader() as connection:
        return {"isystems": [system_view(system.get(connection), base=call.base)]}


def get(call: Call) -> Any:
    """GET /v1/isystems/{system}"""
    with call.dependencies.database.reader() as connection:
        this = system.get(connection)
    if call.name not in (this.uuid, this.name, str(this.id)):
        raise NotFound(kind="System", name=call.name)
    return system_view(this, base=call.base)
