# SPDX-License-Identifier: Apache-2.0
"""What a client sends to add a credential. A refusal never repeats a secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hummingbird.api.schema.attribute import (
    NAME_OF_A_RESOURCE,
    Attribute,
    Body,
    By,
    Flag,
    Matching,
    Number,
)
from hummingbird.api.schema.text import password
from hummingbird.errors import BadRequest, CredentialInvalid

_KEY_MAX = 16 * 1024
_PASSWORD_MAX = 1024
_PUBLIC: Final = re.compile(
    r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ AAAA|-----BEGIN ([A-Z]+ )?PUBLIC KEY|---- BEGIN SSH2 PUB"
)
_ENCRYPTED: Final = (
    "private_key has a passphrase, and nobody is there to type it: take it off a copy "
    "(ssh-keygen -p -N '' -f COPY), or make a key for this alone."
)


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
    password_on_first_contact: bool


def parse_new_credential(body: Mapping[str, Any]) -> NewCredential:
    """Return the credential that `body` asks for.

    :raises BadRequest: an attribute is unknown, missing or wrong.
    """
    NEW_CREDENTIAL.refuse_unknown(body)
    user = NEW_CREDENTIAL.read(body, "user")
    port = NEW_CREDENTIAL.read(body, "port", 22)
    private_key = NEW_CREDENTIAL.read(body, "private_key")
    password = NEW_CREDENTIAL.read(body, "password")
    if private_key is None and password is None:
        raise CredentialInvalid(
            message="A credential needs a private_key, a password, or both."
        )
    return NewCredential(
        name=NEW_CREDENTIAL.read(body, "name"),
        user=user,
        port=port,
        become=NEW_CREDENTIAL.read(body, "become", True),
        private_key=private_key,
        password=password,
        become_password=NEW_CREDENTIAL.read(body, "become_password"),
        password_on_first_contact=NEW_CREDENTIAL.read(
            body, "password_on_first_contact", False
        ),
    )


def _private_key(_name: str, value: object) -> str | None:
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
    _refuse_other_half(key)
    load = load_ssh_private_key if "OPENSSH" in key[:40] else load_pem_private_key
    try:
        load(key.encode(), password=None)
    except TypeError as error:
        # What both loaders raise for a key that is encrypted, and for no other.
        raise CredentialInvalid(message=_ENCRYPTED) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if "BEGIN ENCRYPTED PRIVATE KEY" in key:
            raise CredentialInvalid(message=_ENCRYPTED) from error
        raise CredentialInvalid(
            message=(
                "private_key is not a private key that OpenSSH could use without a "
                "passphrase."
            )
        ) from error
    return key


def _refuse_other_half(key: str) -> None:
    """:raises CredentialInvalid: it is a public key, of OpenSSH or in PEM."""
    if _PUBLIC.match(key):
        raise CredentialInvalid(
            message=(
                "private_key is a public key (.pub): send the other file of the pair, "
                "which has the same name without .pub."
            )
        )


def _password(name: str, value: object) -> str | None:
    try:
        return password(name, value, maximum=_PASSWORD_MAX)
    except BadRequest as error:
        raise CredentialInvalid(message=error) from error


_PRIVATE_KEY: Final = By(
    _private_key,
    {
        "type": ["string", "null"],
        "maxLength": _KEY_MAX,
        "description": "A private key without a passphrase, in OpenSSH's form or PEM.",
        "writeOnly": True,
    },
)
_PASSWORD: Final = By(
    _password,
    {
        "type": ["string", "null"],
        "maxLength": _PASSWORD_MAX,
        "pattern": r"^[^\r\n]*$",
        "writeOnly": True,
    },
)

NEW_CREDENTIAL: Final = Body(
    "credential",
    {
        "name": Attribute(NAME_OF_A_RESOURCE, must=True),
        "user": Attribute(
            Matching(
                pattern=re.compile(r"[A-Za-z_][A-Za-z0-9_.@\\-]{0,254}"),
                should="a user name on the hosts",
            ),
            must=True,
        ),
        "port": Attribute(Number(least=1, most=65535, should="a TCP port")),
        "become": Attribute(Flag(), "Whether this user becomes root by sudo."),
        "private_key": Attribute(_PRIVATE_KEY),
        "password": Attribute(_PASSWORD),
        "become_password": Attribute(_PASSWORD),
        "password_on_first_contact": Attribute(
            Flag(),
            "Whether its passwords may go to a host whose SSH key is not pinned; without"
            " that such a login is refused.",
        ),
    },
)
