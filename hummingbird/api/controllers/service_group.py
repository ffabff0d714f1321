# SPDX-License-Identifier: Apache-2.0
"""/v1/servicegroup: whether what must run here runs, for distributed cloud's audit."""

from datetime import timedelta
from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.view.service_group import service_group
from hummingbird.conf.share import controller_name
from hummingbird.db.repository import process
from hummingbird.errors import NotFound

_KINDS: Final = ("conductor", "gateway")


def list_all(call: Call) -> Any:
    """GET /v1/servicegroup"""
    return {"sm_servicegroup": _groups(call)}


def get(call: Call) -> Any:
    """GET /v1/servicegroup/{uuid}"""
    for group in _groups(call):
        if group["uuid"] == call.name:
            return group
    raise NotFound(kind="Service group", name=call.name)


def _groups(call: Call) -> list[dict[str, Any]]:
    """Return our processes, dead or alive; of a kind that never ran, one that is dead."""
    conf, now = call.dependencies.conf, call.dependencies.clock.now()
    here = controller_name(conf)
    oldest = now - timedelta(seconds=conf.conductor.lease_seconds)
    # Who answers is alive.
    groups = [service_group("api", here, is_alive=True)]
    with call.dependencies.database.reader() as connection:
        for kind in _KINDS:
            known = {
                # A gateway's name has its port, too.
                one.name.partition(f".{kind}")[0]: one.beat_at >= oldest
                for one in process.list_all(connection, kind=kind)
            }
            for node, is_alive in (known or {here: False}).items():
                groups.append(service_group(kind, node, is_alive=is_alive))
    return groups
