# SPDX-License-Identifier: Apache-2.0
"""Writes down one host's access and variables for Ansible, as data that stays data.

Ansible evaluates Jinja in inventory values. Each string is therefore marked as unsafe,
which it takes literally (Ansible documentation, "Unsafe or raw strings"). In JSON, not in
YAML: there `!unsafe "1.30"` loses its quotes and becomes the number 1.3. What becomes
an ssh argument is checked to be what it says, so that it can't be read as an option.
"""

import base64
import ipaddress
import json
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.adapters.ansible.run_folder import RunFolder
from hummingbird.errors import BadRequest

ALIAS = "edgeworker"
"""The one host's name inside a run. Ansible reads patterns and ranges in host names, so
the real name, which a user chose, does not stand there."""

INVENTORY = "inventory.json"
KNOWN_HOSTS = "known_hosts"
"""Names of files of a run."""

_KEYS_SHOWN = 8
"""One is what ssh writes down at a first contact."""

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})\Z")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?\Z")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]*\Z")
_KEY_TYPE = re.compile(r"[a-z0-9@.-]{1,64}\Z")


def _literal(value: object) -> object:
    """Return `value` with every string in it marked as literal."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        if any(str(key).startswith("__ansible") for key in value):
            raise TypeError("a key of a playbook's variable reads as one of Ansible's")
        return {str(key): _literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_literal(item) for item in value]
    raise TypeError(f"a {type(value).__name__} can't be a playbook's variable")


def _check(access: HostAccess) -> None:
    try:
        ipaddress.ip_address(access.address)
    except ValueError:
        if not _HOST_NAME.match(access.address):
            raise BadRequest(
                message=f"{access.address!r} is not an address or a host name."
            ) from None
    if not _USER.match(access.user):
        raise BadRequest(message=f"{access.user!r} is not a user name.")
    if not 0 < access.port < 65536:
        raise BadRequest(message=f"{access.port} is not a port.")


def pinned(known_hosts: str) -> str:
    """Return pinned keys as keys of the one host of a run, whatever its address was.

    A host is known by its key; it may be reached at another address the next time.
    """
    lines = (line.split(None, 1) for line in known_hosts.splitlines())
    return "".join(f"{ALIAS} {parts[1]}\n" for parts in lines if len(parts) == 2)


def _is_key(kind: str, data: str) -> bool:
    """Say whether this is a public key: its data begin with its type (RFC 4253, 6.6)."""
    try:
        blob = base64.b64decode(data, validate=True)
    except ValueError:
        return False
    begins = struct.pack(">I", len(kind)) + kind.encode()
    return bool(_KEY_TYPE.match(kind)) and blob.startswith(begins) and blob != begins


def shown(content: bytes) -> str | None:
    """Return the keys that a host showed, as known hosts; None: that is not what these are.

    :param content: a file that a run wrote: keys and nothing else, or nothing is taken.
    """
    lines = [line.split() for line in content.decode(errors="replace").splitlines()]
    lines = [words for words in lines if words]
    if not 0 < len(lines) <= _KEYS_SHOWN:
        return None
    if not all(len(words) == 3 and _is_key(words[1], words[2]) for words in lines):
        return None
    return "".join(f"{ALIAS} {kind} {data}\n" for _, kind, data in lines)


def _option(name: str, path: Path) -> str:
    # ssh takes apart at spaces and expands %; Ansible splits like a shell before that
    quoted = str(path).replace("%", "%%")
    return f"""-o '{name}="{quoted}"'"""


def render(
    access: HostAccess,
    *,
    variables: Mapping[str, object],
    known_hosts: Path,
    private_key: Path | None,
) -> str:
    """Return the inventory of a run, as JSON.

    `known_hosts` and `private_key` are files that the caller wrote (mode 0600).

    :raises BadRequest: see `_check`; nothing was written then.
    :raises TypeError: a variable is not plain data.
    """
    _check(access)
    for name in variables:
        if not _VARIABLE.match(name):
            raise TypeError(f"{name!r} can't be a playbook variable's name")
    strict = "accept-new" if access.known_hosts is None else "yes"
    options = [
        _option("UserKnownHostsFile", known_hosts),
        f"-o StrictHostKeyChecking={strict}",
        f"-o HostKeyAlias={ALIAS}",
        "-o UpdateHostKeys=no",
        _option("IdentityFile", private_key) if private_key else "-o IdentityFile=none",
    ]
    if access.password is None:
        options.append("-o BatchMode=yes")
    host: dict[str, object] = {
        **variables,
        "ansible_host": access.address,
        "ansible_port": access.port,
        "ansible_user": access.user,
        "ansible_become": access.become,
        "ansible_ssh_common_args": " ".join(options),
    }
    if access.password is not None:
        host["ansible_password"] = access.password
    if access.become_password is not None:
        host["ansible_become_password"] = access.become_password
    return json.dumps({"all": {"hosts": {ALIAS: _literal(host)}}}, indent=1)


def _write(path: Path, text: str) -> Path:
    """Write a file that only we can read; return its path."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write(
    folder: RunFolder, access: HostAccess, *, variables: Mapping[str, object]
) -> None:
    """Write the run's known hosts, key and inventory into its folder.

    What is pinned is none of what the run writes; it is only a first contact's to write down.

    :raises BadRequest, TypeError: see `render`.
    """
    key = None
    if access.private_key:
        # OpenSSH refuses a key file without a newline at its end
        key = _write(folder.given / "key", access.private_key.rstrip() + "\n")
    place = folder.own if access.known_hosts is None else folder.given
    text = render(
        access,
        variables=variables,
        known_hosts=_write(place / KNOWN_HOSTS, pinned(access.known_hosts or "")),
        private_key=key,
    )
    _write(folder.given / INVENTORY, text)
