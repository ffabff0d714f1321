# SPDX-License-Identifier: Apache-2.0
"""What part of a list, in what order."""

from collections.abc import Mapping
from dataclasses import dataclass

from hummingbird.errors import BadRequest


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list."""

    limit: int | None
    """Most items; None: all of them."""
    marker: str | None
    """The last item of the page before."""
    sort_key: str
    descending: bool


def parse_page(
    arguments: Mapping[str, str],
    *,
    maximum: int,
    sort_key: str = "id",
    sort_dir: str = "asc",
) -> Page:
    """Return the page that a query asks for.

    :param maximum: most items of a page when the client asks for a limit; 0: no cap.
    :raises BadRequest: a value makes no sense.
    """
    direction = arguments.get("sort_dir", sort_dir)
    if direction not in ("asc", "desc"):
        raise BadRequest(
            message=(
                f"Invalid sort direction: {direction}. Acceptable values are 'asc' or "
                "'desc'"
            )
        )
    return Page(
        limit=parse_limit(arguments.get("limit"), maximum=maximum),
        marker=arguments.get("marker") or None,
        sort_key=arguments.get("sort_key", sort_key),
        descending=direction == "desc",
    )


def parse_limit(given: str | None, *, maximum: int) -> int | None:
    """Return how many items are asked for; None: all.

    :raises BadRequest: it is not a number, or negative.
    """
    if not given:
        return None
    limit = parse_number("limit", given)
    if limit < 0:
        raise BadRequest(message="Limit must be positive")
    if limit == 0:
        return None
    return min(limit, maximum) if maximum else limit


def parse_number(name: str, given: str) -> int:
    """Return the integer that `given` says.

    :raises BadRequest: it does not, or is of no sensible size.
    """
    try:
        number = int(given)
    except ValueError:
        number = None
    if number is None or abs(number) >= 2**31:
        raise BadRequest(
            message=(
                f"Invalid input for field/attribute {name}. Value: '{given[:40]}'. "
                "unable to convert to int"
            )
        )
    return number
