# SPDX-License-Identifier: Apache-2.0
"""What `system network-add` sends: an address pool that becomes an EMN."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hummingbird.api.schema.address import GIVEN
from hummingbird.api.schema.attribute import (
    NAME_OF_A_RESOURCE,
    Attribute,
    Body,
    Flag,
    Words,
)


@dataclass(frozen=True, kw_only=True)
class NewNetwork:
    """A network to be added."""

    name: str
    dynamic: bool
    pool: str


def parse_new_network(body: Mapping[str, Any]) -> NewNetwork:
    """Return the network that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_NETWORK.refuse_unknown(body)
    NEW_NETWORK.read(body, "type")
    return NewNetwork(
        name=NEW_NETWORK.read(body, "name"),
        dynamic=NEW_NETWORK.read(body, "dynamic", False),
        pool=NEW_NETWORK.read(body, "pool_uuid"),
    )


NEW_NETWORK: Final = Body(
    "network",
    {
        "name": Attribute(NAME_OF_A_RESOURCE, must=True),
        "type": Attribute(
            Words("other"),
            "There is one mgmt already; all others are other.",
            must=True,
        ),
        "dynamic": Attribute(Flag(), "Whether its hosts are given addresses."),
        "pool_uuid": Attribute(
            GIVEN, "Of a pool that is of no network, or its name.", must=True
        ),
    },
)
