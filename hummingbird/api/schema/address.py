# SPDX-License-Identifier: Apache-2.0
"""What a client sends to give a host a further address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hummingbird.api.schema.attribute import Attribute, Body, By
from hummingbird.api.schema.text import TEXT_MAX, invalid, text
from hummingbird.domain.host import check_address


@dataclass(frozen=True, kw_only=True)
class NewAddress:
    """An address, and the host that is to have it: its id, uuid or name."""

    address: str
    host: str


def parse_new_address(body: Mapping[str, Any]) -> NewAddress:
    """Return the address that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_ADDRESS.refuse_unknown(body)
    address, host = (NEW_ADDRESS.read(body, name) for name in NEW_ADDRESS.attributes)
    return NewAddress(address=check_address(address), host=host)


def _given(name: str, value: object) -> str:
    found = text("address", name, value)
    if not found:
        raise invalid("address", name, value, should="given: it is mandatory")
    return found


GIVEN: Final = By(_given, {"type": "string", "minLength": 1, "maxLength": TEXT_MAX})

NEW_ADDRESS: Final = Body(
    "address",
    {
        "address": Attribute(GIVEN, "IPv4 or IPv6.", must=True),
        "host": Attribute(GIVEN, "Whose: an id, uuid or hostname.", must=True),
    },
)
