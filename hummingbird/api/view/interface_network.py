# SPDX-License-Identifier: Apache-2.0
"""Which network an interface is in, as sysinv shows it (StarlingX config
sysinv/api/controllers/v1/interface_network.py)."""

from typing import Final

from hummingbird.api.contract.shape import NUMBER, TEXT, UUID, Thing, maybe
from hummingbird.api.view.inventory_item import Row, Seen
from hummingbird.api.view.network import network_type
from hummingbird.api.view.port import is_platform
from hummingbird.domain.emn import Emn

INTERFACE_NETWORK: Final = Thing(
    "InterfaceNetwork",
    {
        "id": NUMBER,
        "uuid": UUID,
        "forihostid": NUMBER,
        "interface_uuid": UUID,
        "ifname": maybe(TEXT),
        "network_id": NUMBER,
        "network_uuid": UUID,
        "network_name": TEXT,
        "network_type": TEXT,
    },
)


def interface_networks(seen: Seen, *, network: Emn | None) -> list[Row]:
    """Return the interface with the host's address and the network that it is in."""
    if network is None:
        return []
    rows = []
    for item in seen.items("interfaces"):
        if not is_platform(seen, item):
            continue
        name = item.get("ifname")
        rows.append(
            {
                # A host has one address, so its own id tells them apart.
                "id": seen.host.id,
                "uuid": seen.uuid("interface_network", f"{name}/{network.uuid}"),
                "forihostid": seen.host.id,
                "interface_uuid": seen.uuid("iinterface", name),
                "ifname": name,
                "network_id": network.id,
                "network_uuid": network.uuid,
                "network_name": network.name,
                "network_type": network_type(network),
            }
        )
    return rows[:1]
