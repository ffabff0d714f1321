# SPDX-License-Identifier: Apache-2.0
"""Settings of a host that StarlingX's clients send and read back: their values' rules.

Rules and refusals are sysinv's (StarlingX config sysinv/api/controllers/v1/host.py).
"""

import ast
import ipaddress
import json
from collections.abc import Mapping
from typing import Any, Final

from hummingbird.api.schema.attribute import By, Flag, Kind, Text, Words
from hummingbird.api.schema.text import TEXT_MAX, invalid, text
from hummingbird.api.view.host import DEFAULTS
from hummingbird.domain.board import PIN
from hummingbird.domain.host import PERSONALITY
from hummingbird.errors import BadRequest
from hummingbird.printable import is_plain

BM_TYPES = ("none", "dynamic", "ipmi", "redfish")
LOCKED_ONLY = frozenset(
    {
        "apparmor",
        "boot_device",
        "rootfs_device",
        "hw_settle",
        "install_output",
        "console",
        "tboot",
    }
)
"""Settings that only a locked host takes."""

_LITERAL_MAX = 4096
_BM_USERNAME_MAX = 16


def parse_setting(name: str, value: object) -> Any:
    """Return the value of a setting (a key of DEFAULTS), checked by itself.

    None means the default.

    :raises BadRequest: it is of the wrong type, or none of the allowed words.
    """
    if value is None:
        return DEFAULTS[name]
    return SETTINGS[name].read("host", name, value)


def check_board_management(
    hostname: str,
    settings: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return `settings` with what board management implies.

    :param before: the settings as they were; None: the host is new.
    :raises BadRequest: type, address and user name don't go together.
    """
    result = dict(settings)
    address, user = result.get("bm_ip"), result.get("bm_username")
    kind = result.get("bm_type", "none")
    if before is None:
        if "bm_type" not in result:
            result["bm_type"] = "dynamic" if address and user else "none"
        return result
    if not any(
        result.get(name) != before.get(name)
        for name in ("bm_ip", "bm_type", "bm_username")
    ):
        return result
    if kind == "none":
        if before.get("bm_type", "none") == "none":
            raise BadRequest(
                message=(
                    f"{hostname}: Rejected: Board Management controller Type is not "
                    f"provisioned.  Provisionable values: '{list(BM_TYPES[1:])}'."
                )
            )
        for name in ("bm_ip", "bm_username", "bm_password_sealed", PIN):
            result.pop(name, None)
    elif address != before.get("bm_ip"):
        # Another board, with another certificate.
        result.pop(PIN, None)
    if kind != "none" and not user:
        raise BadRequest(
            message=(
                f"{hostname}: Rejected: Board Management controller username is not "
                "configured."
            )
        )
    return result


def parse_mapping(name: str, value: object) -> dict[str, str | int]:
    """Return the value of `location` or `capabilities`: an object, or its text.

    :raises BadRequest: it is neither, or holds something other than texts and integers.
    """
    if value is None or value == "":
        return {}
    found = _from_text(name, value) if isinstance(value, str) else value
    if not isinstance(found, dict) or not all(
        isinstance(key, str)
        and len(key) <= 255
        and isinstance(item, str | int)
        and len(str(item)[:256]) <= 255
        and is_plain(key)
        and is_plain(str(item))
        for key, item in found.items()
    ):
        should = "an object of integers, and of texts without control characters"
        raise invalid(name, name, value, should=should)
    return found


def _from_text(name: str, value: str) -> object:
    if len(value) <= _LITERAL_MAX and value.lstrip().startswith(("{", "[")):
        for parse in (json.loads, ast.literal_eval):
            try:
                return parse(value)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
        return value
    # sysinv's own client wraps the text of host-add's --location in the same way.
    return {"locn": value} if name == "location" else value


def _bm_type(_name: str, value: object) -> str:
    word = value.lower() if isinstance(value, str) else value
    if word not in BM_TYPES:
        raise BadRequest(
            message=(
                f"Rejected: '{str(value)[:40]}' is not a supported board management "
                f"type. Must be one of {list(BM_TYPES)}"
            )
        )
    return str(word)


def _bm_ip(name: str, value: object) -> str | None:
    if value in ("", "none"):
        return None
    try:
        return str(ipaddress.ip_address(text("host", name, value) or ""))
    except ValueError as error:
        raise BadRequest(
            message="Rejected: Board Management controller IP Address is not valid."
        ) from error


def _bm_username(name: str, value: object) -> str | None:
    user = text("host", name, value, maximum=_BM_USERNAME_MAX)
    if user and any(character.isspace() for character in user):
        raise invalid("host", name, value, should="a text without blanks")
    return user or None


def _subfunctions(name: str, value: object) -> str:
    if value in ("", PERSONALITY):
        return PERSONALITY
    if value in ("lowlatency", f"{PERSONALITY},lowlatency"):
        return f"{PERSONALITY},lowlatency"
    raise invalid("host", name, value, should=f"{PERSONALITY}[,lowlatency]")


_OWN_RULES: Final[Mapping[str, Kind]] = {
    "ttys_dcd": Flag(),
    "clock_synchronization": Words("ntp", "ptp"),
    "apparmor": Words("enabled", "disabled"),
    "bm_type": By(_bm_type, Words(*BM_TYPES).schema),
    "bm_ip": By(_bm_ip, {"type": "string", "maxLength": TEXT_MAX}),
    "bm_username": By(
        _bm_username,
        {"type": "string", "maxLength": _BM_USERNAME_MAX, "pattern": r"^\S*$"},
    ),
    "subfunctions": By(
        _subfunctions,
        Words("", PERSONALITY, "lowlatency", f"{PERSONALITY},lowlatency").schema,
    ),
}
SETTINGS: Final[Mapping[str, Kind]] = {
    name: _OWN_RULES.get(name, Text()) for name in DEFAULTS
}
"""The rule of each setting."""
