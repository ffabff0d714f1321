# SPDX-License-Identifier: Apache-2.0
"""PCI devices as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/pci_device.py)."""

from hummingbird.api.view.inventory_item import Row, Seen, taken

_FIELDS = (
    "name",
    "pciaddr",
    "pclass_id",
    "pvendor_id",
    "pdevice_id",
    "pclass",
    "pvendor",
    "pdevice",
    "psvendor",
    "psdevice",
)
_MORE = (
    "sriov_totalvfs",
    "sriov_numvfs",
    "sriov_vfs_pci_address",
    "sriov_vf_driver",
    "sriov_vf_pdevice_id",
    "driver",
)


def pci_devices(seen: Seen) -> list[Row]:
    """Return the PCI devices."""
    rows = []
    for item in seen.items("pci_devices"):
        uuid = seen.uuid("pci_device", seen.key("pci_devices", item))
        rows.append(
            {
                "uuid": uuid,
                "type": None,
                **taken(item, _FIELDS),
                "numa_node": item.get("numa_node", -1),
                **taken(item, _MORE),
                "extra_info": None,
                "enabled": item.get("enabled") is True,
                "host_uuid": seen.host.uuid,
                "links": seen.links(f"pci_devices/{uuid}"),
                **seen.times("pci_devices"),
            }
        )
    return rows
