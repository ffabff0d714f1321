# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add or change an EMN."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hummingbird.api.schema.attribute import (
    NAME_OF_A_RESOURCE,
    Attribute,
    Body,
    By,
    Flag,
    Matching,
    Number,
    OrNone,
    OrNull,
    Text,
    Words,
)
from hummingbird.api.schema.text import TEXT_MAX, invalid, text
from hummingbird.domain.emn import (
    MTU_MAX,
    MTU_MIN,
    MTU_MIN_IPV6,
    Attachment,
    check_cidr,
    check_mtu,
)
from hummingbird.domain.host import check_address, check_hostname
from hummingbird.domain.vxlan import VNI_MAX, check_vni
from hummingbird.errors import AddressInvalid, HostnameInvalid

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
    NEW_EMN.refuse_unknown(body)
    cidr = NEW_EMN.read(body, "cidr")
    return NewEmn(
        name=NEW_EMN.read(body, "name"),
        cidr=cidr,
        attachment=NEW_EMN.read(body, "attachment", Attachment.ROUTED.value),
        site=NEW_EMN.read(body, "site"),
        credential=NEW_EMN.read(body, "credential"),
        gateway=NEW_EMN.read(body, "gateway"),
        mtu=_mtu(NEW_EMN.read(body, "mtu"), cidr=cidr),
        vni=NEW_EMN.read(body, "vni"),
        lan_interface=NEW_EMN.read(body, "lan_interface"),
        dynamic=NEW_EMN.read(body, "dynamic", False),
    )


def parse_emn_change(body: Mapping[str, Any], *, cidr: str) -> dict[str, Any]:
    """Return attachment, site, credential (a name, or None for none), gateway, mtu, vni,
    lan_interface and dynamic, as far as `body` changes them.

    :param cidr: the addresses of the network that is changed.

    :raises BadRequest: an attribute is unknown, can't change, or is wrong.
    """
    EMN_CHANGE.refuse_unknown(body)
    change = {
        name: EMN_CHANGE.read(body, name)
        for name in EMN_CHANGE.attributes
        if name in body
    }
    if "attachment" in change:
        change["attachment"] = change["attachment"].value
    if "credential" in change:
        change["credential"] = change["credential"] or None
    if "mtu" in change:
        change["mtu"] = _mtu(change["mtu"], cidr=cidr)
    return change


def _cidr(name: str, value: object) -> str:
    found = text("emn", name, value)
    if not found:
        raise invalid("emn", name, found, should="a network, as 10.20.0.0/24")
    return check_cidr(found)


def _attachment(name: str, value: object) -> Attachment:
    return Attachment(_ATTACHMENTS.read("emn", name, value))


def _gateway(name: str, value: object) -> str:
    """Return a hostname or an address."""
    if isinstance(value, str):
        for check in (check_address, check_hostname):
            try:
                return check(value)
            except (AddressInvalid, HostnameInvalid):
                continue
    raise invalid("emn", name, value, should="a hostname or an address")


def _mtu(value: int | None, *, cidr: str) -> int | None:
    return None if value is None else check_mtu(value, cidr=cidr)


_ATTACHMENTS: Final = Words(*Attachment)

_CHANGEABLE: Final = {
    "attachment": Attribute(
        By(_attachment, _ATTACHMENTS.schema),
        "How its hosts are reached; without it, routed.",
    ),
    "site": Attribute(
        NAME_OF_A_RESOURCE, "Which uplink its hosts share; without it, its own name."
    ),
    "credential": Attribute(Text(), "Name of how to get into its hosts."),
    "gateway": Attribute(
        OrNone(By(_gateway, {"type": "string"})),
        "What stands between us and it: a hostname or an address.",
    ),
    "mtu": Attribute(
        OrNone(
            # Its bounds hang on the addresses: parsers judge it when they know those.
            Number(least=MTU_MIN, most=MTU_MAX, should="a number of bytes", judge=int)
        ),
        f"Largest packet, in bytes; at least {MTU_MIN_IPV6} where it has IPv6.",
    ),
    "vni": Attribute(
        OrNone(Number(least=1, most=VNI_MAX, should="a number", judge=check_vni)),
        "VXLAN's number of it.",
    ),
    "lan_interface": Attribute(
        OrNone(Matching(pattern=_INTERFACE, should="an interface's name, as eth1")),
        "The gateway's interface to its hosts, where they need nothing of ours.",
    ),
    "dynamic": Attribute(Flag(), "Whether its hosts are given addresses."),
}
NEW_EMN: Final = Body(
    "emn",
    {
        "name": Attribute(NAME_OF_A_RESOURCE, must=True),
        "cidr": Attribute(
            By(_cidr, {"type": "string", "maxLength": TEXT_MAX}),
            "Its addresses: a network, or one of IPv4 and one of IPv6 with a comma.",
            must=True,
        ),
        **_CHANGEABLE,
        "site": Attribute(OrNull(NAME_OF_A_RESOURCE), _CHANGEABLE["site"].about),
    },
)
EMN_CHANGE: Final = Body("emn", _CHANGEABLE)
