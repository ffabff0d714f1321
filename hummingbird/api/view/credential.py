# SPDX-License-Identifier: Apache-2.0
"""Credentials as clients see them: never a secret, only whether there is one."""

from collections.abc import Iterable
from typing import Any

from hummingbird.api.contract.shape import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Thing,
    many,
    words,
)
from hummingbird.domain.credential import Credential


def credential_view(
    credential: Credential, *, secrets: Iterable[str]
) -> dict[str, Any]:
    """Return the view of a credential.

    :param secrets: which of private_key, password, become_password it has.
    """
    return {
        "id": credential.id,
        "uuid": credential.uuid,
        "name": credential.name,
        "user": credential.user,
        "port": credential.port,
        "become": credential.become,
        "password_on_first_contact": credential.password_on_first_contact,
        "secrets": list(secrets),
        "created_at": credential.created_at.isoformat(),
    }


CREDENTIAL = Thing(
    "Credential",
    {
        "id": NUMBER,
        "uuid": UUID,
        "name": TEXT,
        "user": TEXT,
        "port": NUMBER,
        "become": FLAG,
        "password_on_first_contact": FLAG,
        "secrets": many(words("private_key", "password", "become_password")),
        "created_at": TIME,
    },
)
