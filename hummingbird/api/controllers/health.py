# SPDX-License-Identifier: Apache-2.0
"""/v1/health: whether this process can do its work, public, for probes; and as sysinv's
clients ask for it, with a slash at its end and a token, how well the system is."""

from collections import Counter
from typing import Any

from hummingbird.api.http.authentication import ANONYMOUS
from hummingbird.api.http.call import Call
from hummingbird.api.view.health import health_text
from hummingbird.db.repository import health, hearing, system
from hummingbird.domain.hearing import Presence


def get(call: Call) -> Any:
    """GET /v1/health

    :raises DatabaseUnavailable: the database does not answer, or is damaged (503).
    """
    if call.context.user != ANONYMOUS:
        return tell(call)
    has = call.dependencies
    if has.database.damage is not None:
        raise has.database.damage
    with has.database.snapshot() as connection:
        system.get(connection)
        said = hearing.read(connection)
    count = Counter(said.presence.values())
    standing = has.standstill.look(said.clock, monotonic=has.clock.monotonic())
    return {
        "ready": True,
        "gateways": {
            "listening": count[Presence.LISTENING],
            "gone": count[Presence.GONE],
            "silent_seconds": round(standing, 1),
        },
    }


def tell(call: Call) -> Any:
    """GET /v1/health/kube-upgrade"""
    with call.dependencies.database.reader() as connection:
        return health_text(health.of_system(connection))
