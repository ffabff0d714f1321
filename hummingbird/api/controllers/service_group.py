# SPDX-License-Identifier: Apache-2.0
"""/v1/servicegroup: whether what must run here runs, for distributed cloud's audit."""

from typing import Any

from hummingbird.api.controllers.process import look
from hummingbird.api.http.call import Call
from hummingbird.api.view.service_group import service_group
from hummingbird.conf.share import controller_name
from hummingbird.domain.process import API, CONDUCTOR, GATEWAY
from hummingbird.errors import NotFound


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
    here = controller_name(call.dependencies.conf)
    # Who answers is alive.
    groups = [service_group(API, here, is_alive=True)]
    known: dict[str, dict[str, bool]] = {}
    for one in look(call):
        nodes = known.setdefault(one.process.kind, {})
        node = one.process.controller
        nodes[node] = one.is_up or nodes.get(node, False)
    others = {n: up for n, up in known.get(API, {}).items() if n != here}
    groups += [service_group(API, n, is_alive=up) for n, up in others.items()]
    for kind in (CONDUCTOR, GATEWAY):
        for node, is_alive in (known.get(kind) or {here: False}).items():
            groups.append(service_group(kind, node, is_alive=is_alive))
    return groups
