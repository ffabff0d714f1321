# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add a host.

Checks come in sysinv's order, so that a request with two mistakes is refused for the
same one as there (StarlingX config sysinv/api/controllers/v1/host.py, _do_post).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hummingbird.api.schema.setting import (
    check_board_management,
    parse_mapping,
    parse_setting,
)
from hummingbird.api.schema.text import text
from hummingbird.api.view.host import COLLECTIONS, DEFAULTS
from hummingbird.domain.host import (
    PERSONALITY,
    check_address,
    check_hostname,
    check_mac,
)
from hummingbird.errors import (
    BadRequest,
    HostnameMissing,
    MacMissing,
    PersonalityRefused,
)

STATE = frozenset(
    {
        "id",
        "uuid",
        "administrative",
        "operational",
        "availability",
        "invprovision",
        "task",
        "action",
        "ihost_action",
        "inv_state",
        "vim_progress_status",
        "mtce_info",
        "reserved",
        "config_status",
        "config_applied",
        "config_target",
        "subfunction_oper",
        "subfunction_avail",
        "uptime",
        "forisystemid",
        "isystem_uuid",
        "peers",
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
        "reboot_needed",
        "sw_version",
        "created_at",
        "updated_at",
        "links",
        *COLLECTIONS,
    }
)
"""Attributes of a host that nobody outside may choose."""

_ACCEPTED = frozenset(
    {
        "hostname",
        "personality",
        "mgmt_mac",
        "mgmt_ip",
        "underlay",
        "emn",
        "credential",
        "serialid",
        "location",
        "capabilities",
        "bm_password",
        "vsc_controllers",
        *DEFAULTS,
    }
)


@dataclass(frozen=True, kw_only=True)
class NewHost:
    """A host that may be added, if nobody has its names yet."""

    hostname: str
    mgmt_mac: str
    mgmt_ip: str | None
    underlay: str | None
    emn: str | None
    """Network that it is in; without `mgmt_ip` it is given an address there."""
    credential: str | None
    """Name of the credential to get in with; None: the EMN's, or the default."""
    serialid: str | None
    location: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    attributes: Mapping[str, Any]
    """Only what differs from the defaults."""
    bm_password: str | None = field(repr=False)


def parse_new_host(body: Mapping[str, Any]) -> NewHost:
    """Return the host that `body` asks for.

    :raises BadRequest: an attribute is unknown, not the client's to choose, or wrong.
    """
    for name in body:
        if name not in _ACCEPTED and name not in STATE:
            raise BadRequest(message=f"Unknown attribute for argument host: {name}")
    chosen = sorted(
        name for name in STATE if body.get(name) not in (None, "", "none", [])
    )
    if chosen:
        raise BadRequest(
            message=(
                "Host-add Rejected: these attributes are not the client's to choose: "
                f"{', '.join(chosen)}"
            )
        )
    personality = text("host", "personality", body.get("personality"))
    hostname = text("host", "hostname", body.get("hostname"))
    if not hostname:
        raise HostnameMissing(personality=personality)
    if personality == PERSONALITY:
        check_hostname(hostname)
    mac = text("host", "mgmt_mac", body.get("mgmt_mac"))
    if not mac:
        raise MacMissing()
    mac = check_mac(mac)
    if personality != PERSONALITY:
        raise PersonalityRefused(hostname=hostname, personality=personality)
    if body.get("vsc_controllers"):
        raise BadRequest(
            message="The vsc_controllers property is not applicable to this host."
        )
    address = text("host", "mgmt_ip", body.get("mgmt_ip"))
    underlay = text("host", "underlay", body.get("underlay"))
    return NewHost(
        hostname=hostname,
        mgmt_mac=mac,
        mgmt_ip=check_address(address) if address else None,
        underlay=check_address(underlay) if underlay else None,
        emn=text("host", "emn", body.get("emn")) or None,
        credential=text("host", "credential", body.get("credential")) or None,
        serialid=text("host", "serialid", body.get("serialid")),
        location=parse_mapping("location", body.get("location")),
        capabilities=parse_capabilities(body.get("capabilities")),
        attributes=_settings(hostname, body),
        bm_password=text("host", "bm_password", body.get("bm_password")) or None,
    )


def parse_capabilities(value: object) -> dict[str, str | int]:
    """Return the value of `capabilities`.

    :raises BadRequest: it is wrong, or sets what only sysinv itself sets.
    """
    capabilities = parse_mapping("capabilities", value)
    reserved = {"Personality", "stor_function"} & set(capabilities)
    if reserved:
        raise BadRequest(
            message=f"Change ['capabilities'] contains restricted {reserved}."
        )
    return capabilities


def _settings(hostname: str, body: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        name: parse_setting(name, body[name])
        for name in DEFAULTS
        if body.get(name) is not None
    }
    full = check_board_management(hostname, given, before=None)
    return {name: value for name, value in full.items() if value != DEFAULTS[name]}
