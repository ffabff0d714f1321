# SPDX-License-Identifier: Apache-2.0
"""/v1/reconcilers: what the conductor keeps true, and how its last looks went."""

from typing import Any

from hummingbird.api.controllers.process import leader_of
from hummingbird.api.http.call import Call


def list_all(call: Call) -> Any:
    """GET /v1/reconcilers

    :raises ConductorUnavailable: no conductor answers (503).
    """
    call.arguments()
    reports = list(call.dependencies.reconcilers())
    leader = leader_of(call)
    return {"reconcilers": [{**one, "leader": leader} for one in reports]}
