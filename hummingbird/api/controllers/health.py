# SPDX-License-Identifier: Apache-2.0
"""/v1/health: whether this process can do its work, public, for probes; and as sysinv's
clients ask for it, with a slash at its end and a token, how well the system is."""

from typing import Any

from hummingbird.api.http.authentication import ANONYMOUS
from hummingbird.api.http.call import Call
from hummingbird.api.view.health import health_text
from hummingbird.db.repository import health, system


def get(call: Call) -> Any:
    """GET /v1/health

    :raises DatabaseUnavailable: the database does not answer (503).
    """
    if call.context.user != ANONYMOUS:
        return tell(call)
    with call.dependencies.database.reader() as connection:
        system.get(connection)
    return {"ready": True}


def tell(call: Call) -> Any:
    """GET /v1/health/kube-upgrade"""
    with call.dependencies.database.reader() as connection:
        return health_text(health.of_system(connection))
