# SPDX-License-Identifier: Apache-2.0
"""A host as sysinv shows its ihost: the same keys, in the same order
(StarlingX config sysinv/api/controllers/v1/host.py, class Host)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hummingbird import __version__
from hummingbird.api.contract.shape import (
    FLAG,
    FREE,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    many,
    maybe,
    words,
)
from hummingbird.api.view.condition import CONDITION, conditions
from hummingbird.api.view.link import LINKS, links
from hummingbird.domain.condition import Condition
from hummingbird.domain.host import PERSONALITY, Host, HostView, pinned_keys, view

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


_STATE: dict[str, Any] = {
    **dict.fromkeys(("id", "uuid", "hostname", "invprovision", "mgmt_mac", "mgmt_ip")),
    **dict.fromkeys(("bm_ip", "bm_type", "bm_username")),
    "personality": PERSONALITY,
    "subfunctions": PERSONALITY,
    "subfunction_oper": "disabled",
    "subfunction_avail": "not-installed",
    **dict.fromkeys(("serialid", "administrative", "operational", "availability")),
    "action": "none",
    **dict.fromkeys(("ihost_action", "inv_state", "vim_progress_status", "task")),
    "mtce_info": None,
    "reserved": False,
    **dict.fromkeys(("config_status", "config_applied", "config_target")),
    **dict.fromkeys(("clock_synchronization", "uptime", "location", "capabilities")),
}
_SETTINGS: dict[str, Any] = {
    **dict.fromkeys(("boot_device", "rootfs_device", "hw_settle", "install_output")),
    **dict.fromkeys(("console", "tboot", "ttys_dcd", "apparmor")),
    **dict.fromkeys(("install_state", "install_state_info")),
    **dict.fromkeys(
        ("max_cpu_mhz_configured", "min_cpu_mhz_allowed", "max_cpu_mhz_allowed")
    ),
    **dict.fromkeys(("cstates_available", "iscsi_initiator_name")),
    **dict.fromkeys(("nvme_host_id", "nvme_host_nqn", "device_image_update")),
    "reboot_needed": False,
    "sw_version": SW_VERSION,
    **dict.fromkeys(("created_at", "updated_at")),
}
_SHORT: dict[str, Any] = {
    **_STATE,
    **dict.fromkeys(("isystem_uuid", "peers", "links")),
    **_SETTINGS,
    **DEFAULTS,
}
_FULL: dict[str, Any] = {
    **_STATE,
    "forisystemid": 1,
    **dict.fromkeys(("isystem_uuid", "peers", "links")),
    **dict.fromkeys(COLLECTIONS),
    **_SETTINGS,
    **DEFAULTS,
}
"""The keys in their order, with what is the same for every host. A view is a copy that is
filled in: for a list of thousands, that takes half of what making it anew takes."""

assert set(HostView._fields) < set(_SHORT)


def host_short(host: Host, *, base: str, system_uuid: str) -> dict[str, Any]:
    """Return the view that stands in a list."""
    shown = _SHORT.copy()
    _fill(shown, host)
    shown["isystem_uuid"] = system_uuid
    shown["links"] = links(base, f"ihosts/{host.uuid}")
    return shown


def host_full(
    host: Host,
    *,
    base: str,
    system_uuid: str,
    host_key_changed_at: datetime | None = None,
    seen: Iterable[Condition] | None = None,
) -> dict[str, Any]:
    """Return the view of one host.

    :param host_key_changed_at: since when it shows another SSH host key than is pinned.
    :param seen: its conditions; None: nothing was ever seen of it.
    """
    path = f"ihosts/{host.uuid}"
    shown = _FULL.copy()
    _fill(shown, host)
    shown["isystem_uuid"] = system_uuid
    shown["links"] = links(base, path)
    for name in COLLECTIONS:
        shown[name] = links(base, f"{path}/{name}")
    if host.underlay:
        # Ours, and there only where it says something: sysinv has no such key.
        shown["underlay"] = host.underlay
    keys = pinned_keys(host.known_hosts)
    if keys:
        shown["host_key"] = keys[0]
    if host_key_changed_at is not None:
        shown["host_key_changed_at"] = host_key_changed_at.isoformat()
    if seen is not None:
        shown["conditions"] = conditions(seen)
    return shown


def _fill(shown: dict[str, Any], host: Host) -> None:
    shown.update(zip(HostView._fields, view(host), strict=True))
    shown["id"] = host.id
    shown["uuid"] = host.uuid
    shown["hostname"] = host.hostname
    shown["mgmt_mac"] = host.mgmt_mac
    shown["mgmt_ip"] = host.mgmt_ip
    shown["serialid"] = host.serialid
    shown["reserved"] = host.reservation_owner is not None
    shown["uptime"] = host.uptime_seconds
    shown["location"] = host.location
    shown["capabilities"] = host.capabilities
    shown["created_at"] = host.created_at.isoformat()
    if host.updated_at is not None:
        shown["updated_at"] = host.updated_at.isoformat()
    if host.attributes:
        given = host.attributes
        shown.update((name, given[name]) for name in DEFAULTS if name in given)


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
    "host_key": TEXT,
    "host_key_changed_at": TIME,
    "conditions": many(CONDITION),
}
_SOMETIMES = frozenset({"underlay", "host_key", "host_key_changed_at", "conditions"})
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
