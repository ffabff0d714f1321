# SPDX-License-Identifier: Apache-2.0
"""What part of a list, in what order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hummingbird.errors import BadRequest

DIRECTIONS = ("asc", "desc")
_INTEGER = re.compile(r"[-+]?[0-9]{1,10}")


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
    direction = parse_direction(arguments.get("sort_dir", sort_dir))
    return Page(
        limit=parse_limit(arguments.get("limit"), maximum=maximum),
        marker=arguments.get("marker") or None,
        sort_key=arguments.get("sort_key", sort_key),
        descending=direction == "desc",
    )


def parse_direction(given: str) -> str:
    """Return `given`, if it is a direction.

    :raises BadRequest: it is none.
    """
    if given not in DIRECTIONS:
        raise BadRequest(
            message=(
                f"Invalid sort direction: {given}. Acceptable values are 'asc' or "
                "'desc'"
            )
        )
    return given


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
    # Python would take "1_000", " 7" and digits of all scripts, too.
    number = int(given) if _INTEGER.fullmatch(given) else None
    if number is None or abs(number) >= 2**31:
        raise BadRequest(
            message=(
                f"Invalid input for field/attribute {name}. Value: '{given[:40]}'. "
                "unable to convert to int"
            )
        )
    return number
