# SPDX-License-Identifier: Apache-2.0
"""/v1/audit_log: who changed what."""

from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.schema.page import parse_limit, parse_number
from hummingbird.api.view.audit_log import audit_entry_view
from hummingbird.db.repository import audit_log

PAGE: Final = 1000
"""Most entries of one answer; `before` leads on."""


def list_latest(call: Call) -> Any:
    """GET /v1/audit_log?user=&method=&path=&limit=&before=, the latest first.

    `path` is the beginning of one; `before` is the id of the last entry seen.
    """
    arguments = call.arguments("user", "method", "path", "limit", "before")
    before = arguments.get("before")
    method = arguments.get("method")
    with call.dependencies.database.reader() as connection:
        found = audit_log.list_latest(
            connection,
            limit=parse_limit(arguments.get("limit"), maximum=PAGE) or PAGE,
            before_id=None if before is None else parse_number("before", before),
            user=arguments.get("user"),
            method=None if method is None else method.upper(),
            path=arguments.get("path"),
        )
    return {"audit_log": [audit_entry_view(one) for one in found]}
