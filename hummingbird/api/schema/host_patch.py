# SPDX-License-Identifier: Apache-2.0
"""What a client sends to change a host: a JSON patch (RFC 6902) as sysinv takes it.

The patch is applied to the host as the client sees it; what differs afterwards is the
change, and is checked (StarlingX config sysinv/api/controllers/v1/host.py, _patch and
_validate_delta).
"""

import difflib
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import jsonpatch

from hummingbird.api.schema.host import STATE, parse_capabilities
from hummingbird.api.schema.host_key import parse_host_key
from hummingbird.api.schema.setting import (
    LOCKED_ONLY,
    check_board_management,
    parse_mapping,
    parse_setting,
)
from hummingbird.api.schema.text import boolean, password, text
from hummingbird.api.view.host import DEFAULTS, host_short
from hummingbird.domain.host import Host, check_address, pin, pinned_keys
from hummingbird.domain.host_state import UNLOCKED, HostState
from hummingbird.errors import ActionRefused, BadRequest, HostBusy

_PATH = re.compile(r"(/[a-zA-Z0-9_-]+)+")
_NO_PATCH = "Invalid patch format: it is a list of operations, each with op and path."
"""Without what was sent: it may be a secret."""
_MAPPINGS = ("location", "capabilities")
_OURS: dict[str, Any] = {
    "credential": None,
    "forget_host_key": False,
    "host_key": None,
    "bm_password": None,
}
"""Attributes that a client may set and nobody reads back."""


@dataclass(frozen=True, kw_only=True)
class HostPatch:
    """A change of a host, checked as far as it can be without the database."""

    values: Mapping[str, Any]
    """Columns of the host, with their new values."""
    address_changed: bool = False
    """Whether `values` holds another mgmt_ip, whose EMN is to be found."""
    credential: str | None = None
    """Name of the credential to get in with; None: as it was."""
    bm_password: str | None = field(default=None, repr=False)
    action: str | None = None


def parse_host_patch(body: object, host: Host) -> HostPatch:
    """Return what the JSON patch `body` changes in `host`.

    :raises BadRequest: it is no such patch, or may not change this, or not now.
    """
    operations = _operations(body)
    before = _document(host)
    after = _apply(operations, before)
    delta = [name for name in before if _differs(before[name], after[name])]
    _refuse_restricted(delta, host)
    values: dict[str, Any] = {}
    if "serialid" in delta:
        values["serialid"] = text("host", "serialid", after["serialid"])
    if "location" in delta:
        values["location"] = parse_mapping("location", after["location"])
    if "capabilities" in delta:
        values["capabilities"] = parse_capabilities(after["capabilities"])
    attributes = _attributes(delta, after, host)
    if attributes != host.attributes:
        values["attributes"] = attributes
    if "mgmt_ip" in delta:
        values["mgmt_ip"] = _address(after["mgmt_ip"], host)
    if "underlay" in delta:
        values["underlay"] = _address(after["underlay"], host, name="underlay")
    if "forget_host_key" in delta and boolean(
        "host", "forget_host_key", after["forget_host_key"]
    ):
        values["known_hosts"] = None
    host_key = parse_host_key("host_key", after["host_key"])
    if host_key is not None:
        if "known_hosts" in values:
            raise BadRequest(message="Give host_key or forget_host_key, not both.")
        if pinned_keys(host.known_hosts) != (host_key,):
            values["known_hosts"] = pin(host.hostname, host_key)
    credential = text("host", "credential", after["credential"])
    if credential in ("", "none"):
        values["credential_id"] = None
        credential = None
    action = after["action"]
    if action is not None and not isinstance(action, str):
        raise BadRequest(message="The action should be a text.")
    return HostPatch(
        values={key: item for key, item in values.items() if _changes(host, key, item)},
        address_changed=values.get("mgmt_ip", host.mgmt_ip) != host.mgmt_ip,
        credential=credential,
        bm_password=password("bm_password", after["bm_password"]),
        action=None if action in (None, "", "none") else action,
    )


def _changes(host: Host, name: str, value: object) -> bool:
    return bool(getattr(host, name) != value)


def _operations(body: object) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise BadRequest(message=_NO_PATCH)
    for operation in body:
        if not isinstance(operation, dict) or not {"op", "path"} <= set(operation):
            raise BadRequest(message=_NO_PATCH)
        path = operation["path"]
        if operation["op"] not in ("add", "replace", "remove"):
            raise BadRequest(
                message=f"Operation not supported: {str(operation['op'])[:40]}"
            )
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise BadRequest(message=f"Invalid path: {str(path)[:80]}")
        if operation["op"] == "add" and path.count("/") == 1:
            raise BadRequest(
                message=(
                    f"Adding an additional attribute ({path}) to the resource is not "
                    "allowed"
                )
            )
        _, attribute, *nested = path.split("/")
        if nested and (attribute not in _MAPPINGS or len(nested) > 1):
            raise BadRequest(message=f"Patching Error: {path} has no parts.")
    _refuse_duplicates(body)
    return body


def _refuse_duplicates(operations: list[dict[str, Any]]) -> None:
    seen: dict[str, object] = {}
    for operation in operations:
        path, value = operation["path"], operation.get("value")
        if path in seen and seen[path] != value:
            raise BadRequest(message="Illegal duplicate parameters passed.")
        seen[path] = value


def _document(host: Host) -> dict[str, Any]:
    document = host_short(host, base="", system_uuid="")
    del document["links"]
    document["location"] = dict(host.location)
    document["capabilities"] = dict(host.capabilities)
    return {**document, **_OURS, "underlay": host.underlay}


def _apply(operations: list[dict[str, Any]], before: dict[str, Any]) -> dict[str, Any]:
    try:
        patched = jsonpatch.apply_patch(deepcopy(before), operations)
    except (
        jsonpatch.JsonPatchException,
        jsonpatch.JsonPointerException,
        KeyError,
        TypeError,
    ) as error:
        text = error.args[0] if error.args else error
        meant = _meant(operations, before)
        raise BadRequest(message=f"Patching Error: {text}{meant}") from error
    return {
        name: patched.get(name, DEFAULTS.get(name, _OURS.get(name))) for name in before
    }


def _meant(operations: list[dict[str, Any]], known: Mapping[str, Any]) -> str:
    """Return which attributes a host has that may be meant; empty if all are its own."""
    for operation in operations:
        name = operation["path"].split("/")[1]
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            if near:
                return f". Do you mean {near[0]}?"
            return f". A host has {', '.join(sorted(known))}."
    return ""


def _differs(before: object, after: object) -> bool:
    if before == after and type(before) is type(after):
        return False
    if isinstance(before, dict) or before is None:
        return before != after
    # `system host-update` sends every value as text.
    return str(before) != str(after)


def _refuse_restricted(delta: list[str], host: Host) -> None:
    restricted = (set(delta) & (STATE | {"mgmt_mac"})) - {"action"}
    if restricted:
        raise BadRequest(message=f"Change {delta} contains restricted {restricted}.")
    if "hostname" in delta:
        raise BadRequest(
            message=(
                "The hostname field can not be modified because the hostname "
                f"{host.hostname} has already been configured. If changing hostname is "
                "required, please delete this host, then readd."
            )
        )
    if "personality" in delta:
        raise BadRequest(
            message=(
                "Can not change personality after it has been set. Host "
                f"{host.hostname} must be deleted and re-added in order to change the "
                "personality."
            )
        )
    if "subfunctions" in delta:
        raise BadRequest(message="Can not change subfunctions after it has been set.")
    locked_only = sorted(set(delta) & (LOCKED_ONLY | {"mgmt_ip", "underlay"}))
    if locked_only and host.state in UNLOCKED:
        raise ActionRefused(
            message=(
                f"Can not change {', '.join(locked_only)} of the 'unlocked' host "
                f"{host.hostname}; Please 'Lock' first"
            )
        )


def _attributes(delta: list[str], after: dict[str, Any], host: Host) -> dict[str, Any]:
    changed = [name for name in DEFAULTS if name in delta]
    if not changed:
        return dict(host.attributes)
    before = {**DEFAULTS, **host.attributes}
    wanted = {**before, **{name: parse_setting(name, after[name]) for name in changed}}
    full = check_board_management(host.hostname, wanted, before=before)
    return {
        name: value
        for name, value in full.items()
        if name not in DEFAULTS or value != DEFAULTS[name]
    }


def _address(value: object, host: Host, *, name: str = "mgmt_ip") -> str | None:
    if host.state in (HostState.PROVISIONING, HostState.RETIRING):
        raise HostBusy(
            hostname=host.hostname, purpose=host.reservation_purpose or "a run"
        )
    given = text("host", name, value)
    return check_address(given) if given and given.lower() != "none" else None
