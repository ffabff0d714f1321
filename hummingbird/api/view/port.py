# SPDX-License-Identifier: Apache-2.0
"""Ports, interfaces and LLDP as sysinv shows them (StarlingX config
sysinv/api/controllers/v1/{port,ethernet_port,interface,lldp_agent,lldp_neighbour}.py)."""

import ipaddress
from typing import Any

from hummingbird.api.view.inventory_item import Row, Seen, taken, texts
from hummingbird.domain.facts import Item

_SRIOV = (
    "sriov_totalvfs",
    "sriov_numvfs",
    "sriov_vfs_pci_address",
    "sriov_vf_driver",
    "sriov_vf_pdevice_id",
)


def ports(seen: Seen) -> list[Row]:
    """Return the ports.

    Before any is known there is one of which nothing is: `system host-port-list` ends with
    an error of its own when it meets none.
    """
    rows = []
    for item in seen.items("ports") or [{}]:
        uuid = _port_uuid(seen, item.get("pname"))
        path = f"ports/{uuid}"
        rows.append(
            {
                **_port_head(item, uuid),
                **_port_tail(seen, item),
                "links": seen.links(path),
                "lldp_agents": seen.links(f"{path}/lldp_agents"),
                "lldp_neighbours": seen.links(f"{path}/lldp_neighbours"),
                **seen.times("ports"),
            }
        )
    return rows


def ethernet_ports(seen: Seen) -> list[Row]:
    """Return the same ports with what Ethernet adds."""
    rows = []
    for item in seen.items("ports"):
        uuid = _port_uuid(seen, item.get("pname"))
        rows.append(
            {
                **_port_head(item, uuid),
                **taken(item, ("mac", "mtu", "speed")),
                "link_mode": 0,
                "duplex": item.get("duplex"),
                "autoneg": None,
                "bootp": None,
                **_port_tail(seen, item),
                "links": seen.links(f"ethernet_ports/{uuid}"),
                **seen.times("ports"),
            }
        )
    return rows


def iinterfaces(seen: Seen, *, expand: bool = False) -> list[Row]:
    """Return the interfaces; that with the host's address is its platform's.

    :param expand: with what sysinv shows of one, and not in lists.
    """
    items = seen.items("interfaces")
    over: dict[str, list[str]] = {}
    for item in items:
        for name in texts(item, "uses"):
            over.setdefault(name, []).append(str(item.get("ifname")))
    rows = []
    for item in items:
        uuid = _interface_uuid(seen, item.get("ifname"))
        path = f"iinterfaces/{uuid}"
        row = {
            "uuid": uuid,
            **taken(item, ("ifname", "iftype", "imac", "imtu")),
            "ifclass": "platform" if is_platform(seen, item) else None,
            "aemode": item.get("aemode"),
            **dict.fromkeys(("schedpolicy", "txhashpolicy", "primary_reselect")),
        }
        if expand:
            row["ifcapabilities"] = {}
        row |= {"forihostid": seen.host.id, "ihost_uuid": seen.host.uuid}
        if expand:
            row["ports"] = seen.links(f"{path}/ports")
        row |= {
            "links": seen.links(path),
            "vlan_id": item.get("vlan_id"),
            "uses": texts(item, "uses"),
            "used_by": over.get(str(item.get("ifname")), []),
            **_modes(item),
            **dict.fromkeys(("sriov_numvfs", "sriov_vf_driver")),
            "ptp_role": "none",
            **dict.fromkeys(("max_tx_rate", "max_rx_rate")),
            "ovs_access": False,
            **dict.fromkeys(("channels", "sriov_vf_channels")),
            **seen.times("interfaces"),
        }
        rows.append(row)
    return rows


def is_platform(seen: Seen, interface: Item) -> bool:
    """Whether the host's management address is on the interface."""
    if seen.host.mgmt_ip is None:
        return False
    own = [text.partition("/")[0] for text in texts(interface, "addresses")]
    return seen.host.mgmt_ip in own


def lldp_agents(seen: Seen) -> list[Row]:
    """Return the ports that LLDP is listened for on."""
    rows = []
    for item in seen.items("lldp_agents"):
        uuid = seen.uuid("lldp_agent", seen.key("lldp_agents", item))
        rows.append(
            {
                "uuid": uuid,
                "status": item.get("status"),
                **_lldp_port(seen, item),
                **taken(item, _LLDP_AGENT),
                "links": seen.links(f"lldp_agents/{uuid}"),
                "tlvs": seen.links(f"lldp_agents/{uuid}/tlvs"),
                **seen.times("lldp_agents"),
            }
        )
    return rows


def lldp_neighbours(seen: Seen) -> list[Row]:
    """Return who was heard on the ports."""
    rows = []
    for item in seen.items("lldp_neighbours"):
        uuid = seen.uuid("lldp_neighbour", seen.key("lldp_neighbours", item))
        rows.append(
            {
                "uuid": uuid,
                "msap": item.get("msap"),
                **_lldp_port(seen, item),
                **taken(item, _LLDP_NEIGHBOUR),
                "links": seen.links(f"lldp_neighbours/{uuid}"),
                "tlvs": seen.links(f"lldp_neighbours/{uuid}/tlvs"),
                **seen.times("lldp_neighbours"),
            }
        )
    return rows


_LLDP_BOTH = (
    "chassis_id",
    "port_identifier",
    "port_description",
    "system_description",
    "system_name",
    "system_capabilities",
    "management_address",
    "ttl",
    "dot1_lag",
    "dot1_vlan_names",
    "dot3_mac_status",
    "dot3_max_frame",
)
_LLDP_AGENT = _LLDP_BOTH
_LLDP_NEIGHBOUR = (
    *_LLDP_BOTH,
    "dot1_port_vid",
    "dot1_vid_digest",
    "dot1_management_vid",
    "dot1_proto_vids",
    "dot1_proto_ids",
    "dot3_power_mdi",
)


def _lldp_port(seen: Seen, item: Item) -> dict[str, Any]:
    name = item.get("port_name")
    return {
        "host_uuid": seen.host.uuid,
        "port_uuid": _port_uuid(seen, name),
        "port_name": name,
        "port_namedisplay": None,
    }


def _port_uuid(seen: Seen, name: object) -> str:
    return seen.uuid("port", name)


def _interface_uuid(seen: Seen, name: object) -> str:
    return seen.uuid("iinterface", name)


def _port_head(item: Item, uuid: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": "ethernet",
        "name": item.get("pname"),
        "namedisplay": None,
        "pciaddr": item.get("pciaddr"),
        "dev_id": item.get("dev_id", 0),
        **taken(item, ("pclass", "pvendor", "pdevice", "psvendor", "psdevice")),
        "numa_node": item.get("numa_node", -1),
        **taken(item, _SRIOV),
        "driver": item.get("driver"),
    }


def _port_tail(seen: Seen, item: Item) -> dict[str, Any]:
    return {
        "capabilities": {},
        **dict.fromkeys(
            (
                "numchannels",
                "maxchannels",
                "sriov_vf_numchannels",
                "sriov_vf_maxchannels",
            )
        ),
        "dpdksupport": False,
        "host_uuid": seen.host.uuid,
        "interface_uuid": _interface_uuid(seen, item.get("pname")) if item else None,
        "node_uuid": seen.node_uuid(item),
    }


def _modes(interface: Item) -> dict[str, Any]:
    """Return whether an interface has addresses of each family."""
    versions = set()
    for text in texts(interface, "addresses"):
        try:
            versions.add(ipaddress.ip_interface(text).version)
        except ValueError:
            continue
    return {
        "ipv4_mode": "static" if 4 in versions else None,
        "ipv6_mode": "static" if 6 in versions else None,
    }
