# SPDX-License-Identifier: Apache-2.0
"""Does a request once more whose transaction the database undid.

Two requests may meet in a deadlock, or a writer of SQLite find another one at work for too
long: then nothing was kept, and the same words will mostly go through at once. A request of
which a part was kept already is not done again; the client is told that it may retry (503).
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler
from hummingbird.db.session import Connection
from hummingbird.errors import DatabaseBusy

LOG = logging.getLogger(__name__)

_READS: Final = frozenset({"GET", "HEAD"})


def carry_out(handler: Handler, call: Call) -> Any:
    """Return what `handler` answers.

    :raises HummingbirdError: its refusal, or the database's second one.
    """
    status, headers, dependencies = call.status, dict(call.headers), call.dependencies
    kept: list[bool] = []
    if call.request.method not in _READS:
        call.dependencies = replace(
            dependencies, database=dependencies.database.followed(_noting(kept))
        )
    try:
        return handler(call)
    except DatabaseBusy as error:
        if kept:
            raise
        LOG.info("%s is done again: %s", call.context.request_id, error)
    call.status, call.headers = status, headers
    return handler(call)


def _noting(kept: list[bool]) -> Callable[[Connection], Callable[[], None]]:
    def last(_connection: Connection) -> Callable[[], None]:
        return lambda: kept.append(True)

    return last
