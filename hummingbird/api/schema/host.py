# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add a host.

Checks come in sysinv's order, so that a request with two mistakes is refused for the
same one as there (StarlingX config sysinv/api/controllers/v1/host.py, _do_post).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hummingbird.api.schema.attribute import (
    Attribute,
    Body,
    By,
    Later,
    OrNull,
    Password,
    Text,
    Words,
)
from hummingbird.api.schema.host_key import HOST_KEY_MAX, parse_host_key
from hummingbird.api.schema.setting import (
    SETTINGS,
    check_board_management,
    parse_mapping,
    parse_setting,
)
from hummingbird.api.schema.text import PLAIN_PATTERN, TEXT_MAX
from hummingbird.api.view.host import COLLECTIONS, DEFAULTS
from hummingbird.domain.host import (
    HOSTNAME_MAX,
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

_NOT_CHOSEN: Final[tuple[object, ...]] = (None, "", "none", [])
"""What clients send for them that send all that they know."""


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
    host_key: str | None = None
    """Its public SSH key as "TYPE BASE64"; None: the first contact pins it."""


def parse_new_host(body: Mapping[str, Any]) -> NewHost:
    """Return the host that `body` asks for.

    :raises BadRequest: an attribute is unknown, not the client's to choose, or wrong.
    """
    NEW_HOST.refuse_unknown(body)
    chosen = sorted(name for name in STATE if body.get(name) not in _NOT_CHOSEN)
    if chosen:
        raise BadRequest(
            message=(
                "Host-add Rejected: these attributes are not the client's to choose: "
                f"{', '.join(chosen)}"
            )
        )
    personality = NEW_HOST.read(body, "personality")
    hostname = NEW_HOST.read(body, "hostname")
    if not hostname:
        raise HostnameMissing(personality=personality)
    if personality == PERSONALITY:
        check_hostname(hostname)
    mac = NEW_HOST.read(body, "mgmt_mac")
    if not mac:
        raise MacMissing()
    mac = check_mac(mac)
    if personality != PERSONALITY:
        raise PersonalityRefused(hostname=hostname, personality=personality)
    if body.get("vsc_controllers") not in _NOT_CHOSEN[:2]:
        raise BadRequest(
            message="The vsc_controllers property is not applicable to this host."
        )
    address = NEW_HOST.read(body, "mgmt_ip")
    underlay = NEW_HOST.read(body, "underlay")
    return NewHost(
        hostname=hostname,
        mgmt_mac=mac,
        mgmt_ip=check_address(address) if address else None,
        underlay=check_address(underlay) if underlay else None,
        emn=NEW_HOST.read(body, "emn") or None,
        credential=NEW_HOST.read(body, "credential") or None,
        serialid=NEW_HOST.read(body, "serialid"),
        location=NEW_HOST.read(body, "location"),
        capabilities=NEW_HOST.read(body, "capabilities"),
        attributes=_settings(hostname, body),
        bm_password=NEW_HOST.read(body, "bm_password"),
        host_key=NEW_HOST.read(body, "host_key"),
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


_MAPPING: Final = {
    "anyOf": [
        {
            "type": "object",
            "propertyNames": {"maxLength": TEXT_MAX, "pattern": PLAIN_PATTERN},
            "additionalProperties": {
                "type": ["string", "integer", "boolean"],
                "maxLength": TEXT_MAX,
                "pattern": PLAIN_PATTERN,
            },
        },
        {"type": "string"},
        {"type": "null"},
    ]
}
_ADDRESS: Final = {"type": ["string", "null"], "maxLength": TEXT_MAX}

NEW_HOST: Final = Body(
    "host",
    {
        "hostname": Attribute(
            Later({"type": "string", "minLength": 1, "maxLength": HOSTNAME_MAX}),
            "Fit to be a Kubernetes node's name (RFC 1123).",
            must=True,
        ),
        "personality": Attribute(Later(Words(PERSONALITY).schema), must=True),
        "mgmt_mac": Attribute(
            Later({"type": "string", "maxLength": TEXT_MAX}),
            "MAC of its management interface, with colons or hyphens.",
            must=True,
        ),
        "mgmt_ip": Attribute(
            Later(_ADDRESS), "Its address; the network must be known."
        ),
        "underlay": Attribute(
            Later(_ADDRESS), "The address that it has before us, where a tunnel ends."
        ),
        "emn": Attribute(
            Text(), "Network that it is in; without mgmt_ip it is given an address."
        ),
        "credential": Attribute(
            Text(), "Name of how to get in; without it, its network's or the default."
        ),
        "serialid": Attribute(Text()),
        "location": Attribute(
            By(parse_mapping, _MAPPING), "Texts and integers, or a text of them."
        ),
        "capabilities": Attribute(
            By(lambda _name, value: parse_capabilities(value), _MAPPING)
        ),
        "bm_password": Attribute(Password(), "Never shown again."),
        "host_key": Attribute(
            By(parse_host_key, {"type": ["string", "null"], "maxLength": HOST_KEY_MAX}),
            "Its public SSH host key, TYPE BASE64: the first login is held to it.",
        ),
        "vsc_controllers": Attribute(
            By(lambda _name, value: value, {"enum": [*_NOT_CHOSEN[:2]]}),
            "Not applicable; taken empty from clients that send it.",
        ),
        **{name: Attribute(OrNull(kind)) for name, kind in SETTINGS.items()},
        **{
            name: Attribute(
                By(lambda _name, value: value, {"enum": list(_NOT_CHOSEN)}),
                "Not the client's to choose.",
            )
            for name in sorted(STATE)
        },
    },
)
