# SPDX-License-Identifier: Apache-2.0
"""Changes by those who say what they have seen (RFC 9110, section 13).

An entity tag is a row's id and generation: it changes with what was wanted, not with what
is merely observed (the text of a running step, the uptime), or nobody could change a host
that runs.
"""

from typing import Protocol

from hummingbird.api.http.call import Call
from hummingbird.errors import PreconditionFailed


class Tagged(Protocol):
    """What counts its changes."""

    @property
    def id(self) -> int: ...

    @property
    def generation(self) -> int: ...


def tag(item: Tagged) -> str:
    """Return the entity tag of `item` as it is now."""
    return f'"{item.id}-{item.generation}"'


def show_tag(call: Call, item: Tagged) -> None:
    """Have the answer carry the tag."""
    call.headers["ETag"] = tag(item)


def check_match(call: Call, item: Tagged, *, name: str) -> None:
    """Return if the client named no tag, or that of `item` as it is.

    :raises PreconditionFailed: it has changed.
    """
    given = call.request.headers.get("If-Match")
    if given is not None and not _names(given, item):
        raise PreconditionFailed(name=name)


def is_known(call: Call, item: Tagged) -> bool:
    """Return whether the client has `item` as it is; the answer is 304 then.

    For what shows nothing but what its generation counts.
    """
    show_tag(call, item)
    given = call.request.headers.get("If-None-Match")
    if given is None or not _names(given, item):
        return False
    call.status = 304
    return True


def _names(header: str, item: Tagged) -> bool:
    # A proxy that compresses marks tags as weak; what we compare stays the same.
    names = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in names or tag(item) in names
