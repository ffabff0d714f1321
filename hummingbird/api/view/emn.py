# SPDX-License-Identifier: Apache-2.0
"""EMNs as clients see them."""

from collections.abc import Mapping
from typing import Any

from hummingbird.api.contract.shape import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
    words,
)
from hummingbird.domain.emn import Attachment, Emn


def emn_view(emn: Emn, *, credentials: Mapping[int, str]) -> dict[str, Any]:
    """Return the view of an EMN.

    :param credentials: id -> name.
    """
    return {
        "id": emn.id,
        "uuid": emn.uuid,
        "name": emn.name,
        "cidr": emn.cidr,
        "attachment": emn.attachment.value,
        "site": emn.site,
        "credential": (
            None if emn.credential_id is None else credentials[emn.credential_id]
        ),
        "gateway": emn.gateway,
        "mtu": emn.mtu,
        "vni": emn.vni,
        "lan_interface": emn.lan_interface,
        "dynamic": emn.dynamic,
        "created_at": emn.created_at.isoformat(),
    }


EMN = Thing(
    "Emn",
    {
        "id": NUMBER,
        "uuid": UUID,
        "name": TEXT,
        "cidr": TEXT,
        "attachment": words(*Attachment),
        "site": TEXT,
        "credential": maybe(TEXT),
        "gateway": maybe(TEXT),
        "mtu": maybe(NUMBER),
        "vni": maybe(NUMBER),
        "lan_interface": maybe(TEXT),
        "dynamic": FLAG,
        "created_at": TIME,
    },
)
