# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add or change an EMN."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hummingbird.api.schema.text import boolean, invalid, resource_name, text
from hummingbird.domain.emn import Attachment, check_cidr, check_mtu
from hummingbird.domain.host import check_address, check_hostname
from hummingbird.domain.vxlan import check_vni
from hummingbird.errors import AddressInvalid, BadRequest, HostnameInvalid

_CHANGEABLE = (
    "attachment",
    "site",
    "credential",
    "gateway",
    "mtu",
    "vni",
    "lan_interface",
    "dynamic",
)
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
"""Linux takes more; none of these can be read as an option or a path."""


@dataclass(frozen=True, kw_only=True)
class NewEmn:
    """An EMN that may be added, if it overlaps no other."""

    name: str
    cidr: str
    attachment: Attachment
    site: str | None
    credential: str | None
    gateway: str | None
    mtu: int | None
    vni: int | None
    lan_interface: str | None
    dynamic: bool


def parse_new_emn(body: Mapping[str, Any]) -> NewEmn:
    """Return the EMN that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    _refuse_unknown(body, ("name", "cidr", *_CHANGEABLE))
    cidr = text("emn", "cidr", body.get("cidr"))
    if not cidr:
        raise invalid("emn", "cidr", cidr, should="a network, as 10.20.0.0/24")
    cidr = check_cidr(cidr)
    return NewEmn(
        name=resource_name("emn", body.get("name")),
        cidr=cidr,
        attachment=_attachment(body.get("attachment", Attachment.ROUTED.value)),
        site=_site(body.get("site")),
        credential=text("emn", "credential", body.get("credential")),
        gateway=_gateway(body.get("gateway")),
        mtu=_mtu(body.get("mtu"), cidr=cidr),
        vni=_vni(body.get("vni")),
        lan_interface=_lan_interface(body.get("lan_interface")),
        dynamic=boolean("emn", "dynamic", body.get("dynamic", False)),
    )


def parse_emn_change(body: Mapping[str, Any], *, cidr: str) -> dict[str, Any]:
    """Return attachment, site, credential (a name, or None for none), gateway, mtu, vni,
    lan_interface and dynamic, as far as `body` changes them.

    :param cidr: the addresses of the network that is changed.

    :raises BadRequest: an attribute is unknown, can't change, or is wrong.
    """
    _refuse_unknown(body, _CHANGEABLE)
    change: dict[str, Any] = {}
    if "attachment" in body:
        change["attachment"] = _attachment(body["attachment"]).value
    if "site" in body:
        change["site"] = resource_name("emn", body["site"])
    if "credential" in body:
        change["credential"] = text("emn", "credential", body["credential"]) or None
    if "gateway" in body:
        change["gateway"] = _gateway(body["gateway"])
    if "mtu" in body:
        change["mtu"] = _mtu(body["mtu"], cidr=cidr)
    if "vni" in body:
        change["vni"] = _vni(body["vni"])
    if "lan_interface" in body:
        change["lan_interface"] = _lan_interface(body["lan_interface"])
    if "dynamic" in body:
        change["dynamic"] = boolean("emn", "dynamic", body["dynamic"])
    return change


def _refuse_unknown(body: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in body:
        if name not in known:
            raise BadRequest(message=f"Unknown attribute for argument emn: {name}")


def _attachment(value: object) -> Attachment:
    try:
        return Attachment(str(value))
    except ValueError as error:
        words = ", ".join(Attachment)
        raise invalid("emn", "attachment", value, should=f"one of {words}") from error


def _site(value: object) -> str | None:
    return None if value is None else resource_name("emn", value)


def _gateway(value: object) -> str | None:
    """Return a hostname or an address."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        for check in (check_address, check_hostname):
            try:
                return check(value)
            except (AddressInvalid, HostnameInvalid):
                continue
    raise invalid("emn", "gateway", value, should="a hostname or an address")


def _mtu(value: object, *, cidr: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return check_mtu(value, cidr=cidr)
    raise invalid("emn", "mtu", value, should="a number of bytes")


def _vni(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return check_vni(value)
    raise invalid("emn", "vni", value, should="a number")


def _lan_interface(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTERFACE.fullmatch(value):
        return value
    raise invalid("emn", "lan_interface", value, should="an interface's name, as eth1")
