# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add a credential. A refusal never repeats a secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hummingbird.api.schema.text import boolean, invalid, resource_name
from hummingbird.errors import BadRequest, CredentialInvalid

_KNOWN = (
    "name",
    "user",
    "port",
    "become",
    "private_key",
    "password",
    "become_password",
)
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.@\\-]{0,254}")
_KEY_MAX = 16 * 1024
_PASSWORD_MAX = 1024


@dataclass(frozen=True, kw_only=True)
class NewCredential:
    """A credential that may be added, if its name is free."""

    name: str
    user: str
    port: int
    become: bool
    private_key: str | None = field(repr=False)
    password: str | None = field(repr=False)
    become_password: str | None = field(repr=False)


def parse_new_credential(body: Mapping[str, Any]) -> NewCredential:
    """Return the credential that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    for name in body:
        if name not in _KNOWN:
            raise BadRequest(
                message=f"Unknown attribute for argument credential: {name}"
            )
    user = body.get("user")
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise invalid("credential", "user", user, should="a user name on the hosts")
    port = body.get("port", 22)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise invalid("credential", "port", port, should="a TCP port")
    private_key = _private_key(body.get("private_key"))
    password = _password("password", body.get("password"))
    if private_key is None and password is None:
        raise CredentialInvalid(
            message="A credential needs a private_key, a password, or both."
        )
    return NewCredential(
        name=resource_name("credential", body.get("name")),
        user=user,
        port=port,
        become=boolean("credential", "become", body.get("become", True)),
        private_key=private_key,
        password=password,
        become_password=_password("become_password", body.get("become_password")),
    )


def _private_key(value: object) -> str | None:
    if value is None:
        return None
    # Not at the top: it takes longer to load than the rest of the API's start.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    if not isinstance(value, str) or len(value) > _KEY_MAX:
        raise CredentialInvalid(message="private_key is not the text of a private key.")
    # OpenSSH refuses a key file without a line end, or with those of another system.
    key = value.replace("\r\n", "\n").strip() + "\n"
    load = load_ssh_private_key if "OPENSSH" in key[:40] else load_pem_private_key
    try:
        load(key.encode(), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise CredentialInvalid(
            message=(
                "private_key is not a private key that OpenSSH could use without a "
                "passphrase."
            )
        ) from error
    return key


def _password(name: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if (
        not isinstance(value, str)
        or len(value) > _PASSWORD_MAX
        or any(character in value for character in "\r\n")
    ):
        raise CredentialInvalid(
            message=f"{name} should be one line of at most {_PASSWORD_MAX} characters."
        )
    return value
