# SPDX-License-Identifier: Apache-2.0
"""/v1/health: whether this process can do its work; public, for probes."""

from typing import Any

from hummingbird.api.call import Call
from hummingbird.db.repository import system


def get(call: Call) -> Any:
    """GET /v1/health

    :raises DatabaseUnavailable: the database does not answer (503).
    """
    with call.parts.database.reader() as connection:
        system.get(connection)
    return {"ready": True}
