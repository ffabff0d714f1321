# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts/{host}/history: what changed of a host's facts, the latest first."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.fault_query import parse_time
from hummingbird.api.schema.page import parse_limit, parse_number
from hummingbird.api.view.history import fact_change
from hummingbird.db.repository import history, host

_MOST = 10000
"""Rows of one page; a host keeps [gateway]history_most of them."""


def list_all(call: Call) -> Any:
    """GET /v1/ihosts/{host}/history"""
    arguments = call.arguments("limit", "marker", "since", "section")
    limit = parse_limit(arguments.get("limit"), maximum=_MOST)
    marker = arguments.get("marker")
    since = arguments.get("since")
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        rows = history.list_latest(
            connection,
            found.id,
            limit=limit or _MOST,
            before_id=parse_number("marker", marker) if marker else None,
            since=parse_time(since) if since else None,
            section=arguments.get("section") or None,
        )
    answer: dict[str, Any] = {"history": [fact_change(row) for row in rows]}
    if limit is not None and len(rows) == limit:
        answer["next"] = (
            f"{call.base}/v1/ihosts/{found.uuid}/history"
            f"?limit={limit}&marker={rows[-1].id}"
        )
    return answer
