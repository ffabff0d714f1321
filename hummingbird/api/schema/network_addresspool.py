# SPDX-License-Identifier: Apache-2.0
"""What a client sends to have a pool be of a network."""

from collections.abc import Mapping
from typing import Any, Final

from hummingbird.api.schema.address import GIVEN
from hummingbird.api.schema.attribute import Attribute, Body

NEW_ASSIGNMENT: Final = Body(
    "network_addresspool",
    {
        "address_pool_uuid": Attribute(GIVEN, "Of the pool.", must=True),
        "network_uuid": Attribute(GIVEN, "Of the network.", must=True),
    },
)


def parse_assignment(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the uuids of a pool and a network.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_ASSIGNMENT.refuse_unknown(body)
    pool, network = (
        NEW_ASSIGNMENT.read(body, name) for name in NEW_ASSIGNMENT.attributes
    )
    return pool, network
