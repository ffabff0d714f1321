# SPDX-License-Identifier: Apache-2.0
"""A host as sysinv shows its ihost: the same keys, in the same order
(StarlingX config sysinv/api/controllers/v1/host.py, class Host)."""

from collections.abc import Mapping
from typing import Any

from hummingbird import __version__
from hummingbird.api.shape import (
    FLAG,
    FREE,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    maybe,
    words,
)
from hummingbird.api.view.link import LINKS, links
from hummingbird.domain.host import PERSONALITY, Host, HostView, view

SW_VERSION = ".".join(__version__.split(".")[:2])

COLLECTIONS = (
    "iinterfaces",
    "ports",
    "ethernet_ports",
    "inodes",
    "icpus",
    "imemorys",
    "istors",
    "idisks",
    "partitions",
    "ceph_mon",
    "ipvs",
    "ilvgs",
    "host_fs",
    "kube_update_ca",
    "isensors",
    "isensorgroups",
    "pci_devices",
    "lldp_agents",
    "lldp_neighbours",
    "labels",
)
"""What hangs on a host, each with links of its own in the full view."""

DEFAULTS: dict[str, Any] = {
    "bm_ip": None,
    "bm_type": "none",
    "bm_username": None,
    "subfunctions": PERSONALITY,
    "clock_synchronization": "ntp",
    "boot_device": "/dev/sda",
    "rootfs_device": "/dev/sda",
    "hw_settle": "0",
    "install_output": "text",
    "console": "ttyS0,115200",
    "tboot": "",
    "ttys_dcd": False,
    "apparmor": "disabled",
}
"""Settings that a client may send, as they are when none was sent (StarlingX config
sysinv/db/sqlalchemy/models.py)."""


def host_short(host: Host, *, base: str, system_uuid: str) -> dict[str, Any]:
    """Return the view that stands in a list."""
    seen, setting = view(host), _setting(host)
    return {
        **_state(host, seen, setting),
        "isystem_uuid": system_uuid,
        "peers": None,
        "links": links(base, f"ihosts/{host.uuid}"),
        **_settings(host, seen, setting),
    }


def host_full(host: Host, *, base: str, system_uuid: str) -> dict[str, Any]:
    """Return the view of one host."""
    path = f"ihosts/{host.uuid}"
    seen, setting = view(host), _setting(host)
    return {
        **_state(host, seen, setting),
        "forisystemid": 1,
        "isystem_uuid": system_uuid,
        "peers": None,
        "links": links(base, path),
        **{name: links(base, f"{path}/{name}") for name in COLLECTIONS},
        **_settings(host, seen, setting),
        # ours, and there only where it says something: sysinv has no such key
        **({"underlay": host.underlay} if host.underlay else {}),
    }


def _setting(host: Host) -> Mapping[str, Any]:
    return {**DEFAULTS, **host.attributes} if host.attributes else DEFAULTS


def _state(host: Host, seen: HostView, setting: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": host.id,
        "uuid": host.uuid,
        "hostname": host.hostname,
        "invprovision": seen.invprovision,
        "mgmt_mac": host.mgmt_mac,
        "mgmt_ip": host.mgmt_ip,
        "bm_ip": setting["bm_ip"],
        "bm_type": setting["bm_type"],
        "bm_username": setting["bm_username"],
        "personality": PERSONALITY,
        "subfunctions": setting["subfunctions"],
        "subfunction_oper": "disabled",
        "subfunction_avail": "not-installed",
        "serialid": host.serialid,
        "administrative": seen.administrative,
        "operational": seen.operational,
        "availability": seen.availability,
        "action": "none",
        "ihost_action": seen.ihost_action,
        "inv_state": seen.inv_state,
        "vim_progress_status": seen.vim_progress_status,
        "task": seen.task,
        "mtce_info": None,
        "reserved": host.reservation_owner is not None,
        "config_status": seen.config_status,
        "config_applied": seen.config_applied,
        "config_target": seen.config_target,
        "clock_synchronization": setting["clock_synchronization"],
        "uptime": host.uptime_seconds,
        "location": host.location,
        "capabilities": host.capabilities,
    }


def _settings(host: Host, seen: HostView, setting: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "boot_device": setting["boot_device"],
        "rootfs_device": setting["rootfs_device"],
        "hw_settle": setting["hw_settle"],
        "install_output": setting["install_output"],
        "console": setting["console"],
        "tboot": setting["tboot"],
        "ttys_dcd": setting["ttys_dcd"],
        "apparmor": setting["apparmor"],
        "install_state": seen.install_state,
        "install_state_info": seen.install_state_info,
        "max_cpu_mhz_configured": None,
        "min_cpu_mhz_allowed": None,
        "max_cpu_mhz_allowed": None,
        "cstates_available": None,
        "iscsi_initiator_name": None,
        "nvme_host_id": None,
        "nvme_host_nqn": None,
        "device_image_update": None,
        "reboot_needed": False,
        "sw_version": SW_VERSION,
        "created_at": host.created_at.isoformat(),
        "updated_at": None if host.updated_at is None else host.updated_at.isoformat(),
    }


_NULL_OR_TEXT = maybe(TEXT)

_HOST_STATE = {
    "id": NUMBER,
    "uuid": UUID,
    "hostname": TEXT,
    "invprovision": maybe(words("unprovisioned", "provisioning", "provisioned")),
    "mgmt_mac": TEXT,
    "mgmt_ip": _NULL_OR_TEXT,
    "bm_ip": _NULL_OR_TEXT,
    "bm_type": TEXT,
    "bm_username": _NULL_OR_TEXT,
    "personality": words(PERSONALITY),
    "subfunctions": TEXT,
    "subfunction_oper": TEXT,
    "subfunction_avail": TEXT,
    "serialid": _NULL_OR_TEXT,
    "administrative": words("locked", "unlocked"),
    "operational": words("disabled", "enabled"),
    "availability": words(
        "available", "degraded", "failed", "intest", "offline", "online", "power-off"
    ),
    "action": words("none"),
    "ihost_action": _NULL_OR_TEXT,
    "inv_state": _NULL_OR_TEXT,
    "vim_progress_status": _NULL_OR_TEXT,
    "task": _NULL_OR_TEXT,
    "mtce_info": _NULL_OR_TEXT,
    "reserved": FLAG,
    "config_status": _NULL_OR_TEXT,
    "config_applied": _NULL_OR_TEXT,
    "config_target": _NULL_OR_TEXT,
    "clock_synchronization": words("ntp", "ptp"),
    "uptime": NUMBER,
    "location": FREE,
    "capabilities": FREE,
    "isystem_uuid": UUID,
    "peers": maybe(FREE),
    "links": LINKS,
    "underlay": TEXT,
}
_SOMETIMES = frozenset({"underlay"})
_HOST_SETTINGS = {
    **{name: TEXT for name in ("boot_device", "rootfs_device", "hw_settle")},
    **{name: TEXT for name in ("install_output", "console", "tboot", "apparmor")},
    "ttys_dcd": FLAG,
    **{
        name: _NULL_OR_TEXT
        for name in (
            "install_state",
            "install_state_info",
            "max_cpu_mhz_configured",
            "min_cpu_mhz_allowed",
            "max_cpu_mhz_allowed",
            "cstates_available",
            "iscsi_initiator_name",
            "nvme_host_id",
            "nvme_host_nqn",
            "device_image_update",
        )
    },
    "reboot_needed": FLAG,
    "sw_version": TEXT,
    "created_at": TIME,
    "updated_at": maybe(TIME),
}
HOST_IN_LIST = Thing(
    "HostInList", {**_HOST_STATE, **_HOST_SETTINGS}, optional=_SOMETIMES
)
HOST = Thing(
    "Host",
    {
        **_HOST_STATE,
        "forisystemid": NUMBER,
        **{name: LINKS for name in COLLECTIONS},
        **_HOST_SETTINGS,
    },
    optional=_SOMETIMES,
)
