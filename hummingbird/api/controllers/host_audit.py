# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/vim: a host is looked at now, by all who keep something of it true."""

from typing import Any, Final

from hummingbird.api.controllers.system import system_uuid
from hummingbird.api.http.call import Call
from hummingbird.api.schema.host_audit import HOST_AUDIT
from hummingbird.api.view.host import host_full
from hummingbird.db.repository import host

_LOOK: Final = ("liveness", "alarm", "node", "agent")


def audit(call: Call) -> Any:
    """POST /v1/ihosts/{host}/vim"""
    body = call.json_object()
    HOST_AUDIT.refuse_unknown(body)
    HOST_AUDIT.read(body, "vim_event")
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        uuid = system_uuid(call.dependencies, connection)
    for name in _LOOK:
        call.dependencies.hurry(name)
    return host_full(found, base=call.base, system_uuid=uuid)
