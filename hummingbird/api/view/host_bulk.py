# SPDX-License-Identifier: Apache-2.0
"""Hosts as a file that adds them again: what bulk_export gives, bulk_add takes.

sysinv's own export leaves out the names of edgeworkers, so that it can't be taken back.
Passwords of boards are in none.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from hummingbird.api.contract.shape import TEXT, Shape, Thing
from hummingbird.api.view.host import DEFAULTS, SW_VERSION
from hummingbird.domain.host import PERSONALITY, Host

_SETTINGS: Final = (
    "subfunctions",
    "clock_synchronization",
    "bm_type",
    "bm_ip",
    "bm_username",
    "boot_device",
    "rootfs_device",
    "hw_settle",
    "install_output",
    "console",
    "tboot",
    "ttys_dcd",
    "apparmor",
)
"""Written where they are not the defaults."""


def hosts_file(
    hosts: Iterable[Host], *, emns: Mapping[int, str], credentials: Mapping[int, str]
) -> str:
    """Return the file.

    :param emns: names of networks, by id.
    :param credentials: names of credentials, by id.
    """
    lines = ['<?xml version="1.0" ?>', f'<hosts version="{SW_VERSION}">']
    for host in hosts:
        lines.append("\t<host>")
        lines += _elements(_said(host, emns=emns, credentials=credentials))
        lines.append("\t</host>")
    return "\n".join([*lines, "</hosts>", ""])


def _said(
    host: Host, *, emns: Mapping[int, str], credentials: Mapping[int, str]
) -> dict[str, str | None]:
    setting = {**DEFAULTS, **host.attributes}
    return {
        "personality": PERSONALITY,
        "hostname": host.hostname,
        "mgmt_mac": host.mgmt_mac,
        "mgmt_ip": host.mgmt_ip,
        "underlay": host.underlay,
        "emn": emns.get(host.emn_id or 0),
        "credential": credentials.get(host.credential_id or 0),
        "serialid": host.serialid,
        "location": _location(_clean(host.location)),
        "capabilities": json.dumps(_clean(host.capabilities))
        if host.capabilities
        else None,
        **{
            name: str(setting[name])
            for name in _SETTINGS
            if setting[name] != DEFAULTS[name]
        },
    }


def _location(location: Mapping[str, Any]) -> str | None:
    """Return the plain text that most locations are, else the object as a text."""
    text = location.get("locn")
    is_plain = len(location) == 1 and isinstance(text, str) and text.strip() == text
    if is_plain and text and not str(text).startswith(("{", "[")):
        return str(text)
    return json.dumps(dict(location)) if location else None


def _elements(said: Mapping[str, str | None]) -> Iterable[str]:
    for tag, text in said.items():
        if text:
            yield f"\t\t<{tag}>{escape(_clean(text))}</{tag}>"


def _clean(value: Any) -> Any:
    """Return `value` with texts that the API takes: older ones may hold what it refuses,
    and what XML can't hold (XML 1.0, section 2.2)."""
    if isinstance(value, Mapping):
        return {_clean(name): _clean(part) for name, part in value.items()}
    if isinstance(value, str):
        return "".join(one if one.isprintable() else "\ufffd" for one in value)
    return value


HOSTS_EXPORT: Final[Shape] = Thing("HostsExport", {"content": TEXT})
BULK_RESULT: Final[Shape] = Thing("BulkResult", {"success": TEXT, "error": TEXT})
