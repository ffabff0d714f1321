# SPDX-License-Identifier: Apache-2.0
"""What a client sends to give a host a further address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hummingbird.api.schema.text import invalid, text
from hummingbird.domain.host import check_address
from hummingbird.errors import BadRequest

_KNOWN = ("address", "host")


@dataclass(frozen=True, kw_only=True)
class NewAddress:
    """An address, and the host that is to have it: its id, uuid or name."""

    address: str
    host: str


def parse_new_address(body: Mapping[str, Any]) -> NewAddress:
    """Return the address that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    for name in body:
        if name not in _KNOWN:
            raise BadRequest(message=f"Unknown attribute for argument address: {name}")
    values = {name: text("address", name, body.get(name)) for name in _KNOWN}
    for name, value in values.items():
        if not value:
            raise invalid("address", name, value, should="given: it is mandatory")
    return NewAddress(
        address=check_address(values["address"] or ""), host=values["host"] or ""
    )
