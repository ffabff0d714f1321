# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add or change an EMN."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hummingbird.api.schema.text import invalid, resource_name, text
from hummingbird.domain.emn import Attachment, check_cidr
from hummingbird.errors import BadRequest

_CHANGEABLE = ("attachment", "site", "credential")


@dataclass(frozen=True, kw_only=True)
class NewEmn:
    """An EMN that may be added, if it overlaps no other."""

    name: str
    cidr: str
    attachment: Attachment
    site: str | None
    credential: str | None


def parse_new_emn(body: Mapping[str, Any]) -> NewEmn:
    """Return the EMN that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    _refuse_unknown(body, ("name", "cidr", *_CHANGEABLE))
    cidr = text("emn", "cidr", body.get("cidr"))
    if not cidr:
        raise invalid("emn", "cidr", cidr, should="a network, as 10.20.0.0/24")
    return NewEmn(
        name=resource_name("emn", body.get("name")),
        cidr=check_cidr(cidr),
        attachment=_attachment(body.get("attachment", Attachment.ROUTED.value)),
        site=_site(body.get("site")),
        credential=text("emn", "credential", body.get("credential")),
    )


def parse_emn_change(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return attachment, site and credential (a name, or None for none), as far as
    `body` changes them.

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
