# SPDX-License-Identifier: Apache-2.0
"""Filters of FM's lists: q.field, q.op, q.value, once for each filter."""

from collections.abc import Collection
from datetime import UTC, datetime

from hummingbird.api.http.call import Call
from hummingbird.errors import BadRequest

ARGUMENTS = (
    "q.field",
    "q.op",
    "q.type",
    "q.value",
    "marker",
    "limit",
    "sort_key",
    "sort_dir",
    "include_suppress",
    "expand",
)


def parse_filters(call: Call, *, known: Collection[str]) -> dict[str, str]:
    """Return field -> wanted text.

    :raises BadRequest: a filter is incomplete, unknown, or of another kind than eq.
    """
    query = call.request.GET
    fields, values = query.getall("q.field"), query.getall("q.value")
    if len(fields) != len(values):
        raise BadRequest(message="Each q.field needs one q.value.")
    if any(operator not in ("", "eq") for operator in query.getall("q.op")):
        raise BadRequest(message="The only q.op is eq.")
    for field in fields:
        if field not in known:
            raise BadRequest(message=f"Unknown query field: {field[:40]}")
    return dict(zip(fields, values, strict=True))


def parse_flag(value: str | None) -> bool:
    """Return whether a flag of the query is set."""
    return (value or "").lower() in ("true", "1", "yes")


def parse_time(given: str) -> datetime:
    """Return the time that `given` says, in UTC, which is meant where it names no zone.

    :raises BadRequest: it is not an ISO 8601 date, or date and time.
    """
    try:
        at = datetime.fromisoformat(given.strip())
    except ValueError:
        at = _compact(given)
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:  # the first and last days that there are, elsewhere
        raise BadRequest(message=f"Invalid date '{given[:40]}' specified") from error


def _compact(given: str) -> datetime:
    # The form that the help of `fm event-list` shows: 20160131 10:23:45
    try:
        return datetime.strptime(f"{given.strip()} +0000", "%Y%m%d %H:%M:%S %z")
    except ValueError as error:
        raise BadRequest(message=f"Invalid date '{given[:40]}' specified") from error
