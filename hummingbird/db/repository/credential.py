# SPDX-License-Identifier: Apache-2.0
"""Credentials: rows in, domain objects out; secrets are sealed on the way in."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from hummingbird.db.model import CREDENTIAL, EMN, HOST
from hummingbird.domain.credential import Credential
from hummingbird.domain.host import Host
from hummingbird.errors import (
    CredentialInUse,
    CredentialMissing,
    CredentialTaken,
    NotFound,
)
from hummingbird.secretbox import SecretBox

DEFAULT_NAME = "default"
"""The credential of hosts and EMNs that name none."""

_SECRETS = ("private_key", "password", "become_password")


def _credential(row: Row[Any], *, box: SecretBox | None) -> Credential:
    values = dict(row._mapping)
    for secret in _SECRETS:
        sealed = values.pop(f"{secret}_sealed")
        values[secret] = box.open(sealed) if box is not None and sealed else None
    return Credential(**values)


def create(
    connection: Connection,
    *,
    name: str,
    user: str,
    port: int,
    become: bool,
    private_key: str | None,
    password: str | None,
    become_password: str | None,
    password_on_first_contact: bool = False,
    box: SecretBox,
    now: datetime,
) -> Credential:
    """Store a new credential; returned without its secrets.

    :raises CredentialTaken: the name is in use.
    """
    if connection.execute(select(CREDENTIAL.c.id).filter_by(name=name)).first():
        raise CredentialTaken(name=name)
    uuid = str(uuid4())
    secrets = zip(_SECRETS, (private_key, password, become_password), strict=True)
    connection.execute(
        CREDENTIAL.insert().values(
            uuid=uuid,
            name=name,
            user=user,
            port=port,
            become=become,
            password_on_first_contact=password_on_first_contact,
            created_at=now,
            **{
                f"{key}_sealed": box.seal(text) if text else None
                for key, text in secrets
            },
        )
    )
    return find(connection, uuid)


def list_all(connection: Connection) -> list[Credential]:
    """Return every credential, without secrets, by id."""
    query = select(CREDENTIAL).order_by(CREDENTIAL.c.id)
    return [_credential(row, box=None) for row in connection.execute(query)]


def secret_names(connection: Connection) -> dict[int, list[str]]:
    """Return which secrets each credential has, by its id; never the secrets."""
    return {
        row.id: [name for name in _SECRETS if row._mapping[f"{name}_sealed"]]
        for row in connection.execute(select(CREDENTIAL))
    }


def find(connection: Connection, name: str) -> Credential:
    """Return the credential that `name` (integer id, uuid or name) means, no secrets.

    :raises NotFound: there is none.
    """
    if name.isascii() and name.isdigit() and len(name) < 10:
        where = CREDENTIAL.c.id == int(name)
    else:
        try:
            where = CREDENTIAL.c.uuid == str(UUID(name))
        except ValueError:
            where = CREDENTIAL.c.name == name
    row = connection.execute(select(CREDENTIAL).where(where)).first()
    if row is None:
        raise NotFound(kind="Credential", name=name)
    return _credential(row, box=None)


def of_host(connection: Connection, host: Host, *, box: SecretBox) -> Credential:
    """Return the credential to get into `host` with, secrets open: the host's own, else
    its EMN's, else the one named "default".

    :raises CredentialMissing: there is none of these.
    """
    where = _that_gets_in(
        connection, credential_id=host.credential_id, emn_id=host.emn_id
    )
    row = connection.execute(select(CREDENTIAL).where(where)).first()
    if row is None:
        raise CredentialMissing(hostname=host.hostname)
    return _credential(row, box=box)


def id_that_gets_in(
    connection: Connection, *, credential_id: int | None, emn_id: int | None
) -> int | None:
    """Return the id of the credential that a host with this one and in this EMN is logged
    in to with; None: there is none."""
    where = _that_gets_in(connection, credential_id=credential_id, emn_id=emn_id)
    return connection.execute(select(CREDENTIAL.c.id).where(where)).scalar()


def _that_gets_in(
    connection: Connection, *, credential_id: int | None, emn_id: int | None
) -> ColumnElement[bool]:
    wanted = credential_id
    if wanted is None and emn_id is not None:
        wanted = connection.execute(
            select(EMN.c.credential_id).where(EMN.c.id == emn_id)
        ).scalar()
    by_name = CREDENTIAL.c.name == DEFAULT_NAME
    return by_name if wanted is None else CREDENTIAL.c.id == wanted


def remove(connection: Connection, credential: Credential) -> None:
    """Delete the credential.

    :raises CredentialInUse: hosts or EMNs name it.
    """
    count = sum(
        connection.execute(
            select(func.count())
            .select_from(table)
            .where(table.c.credential_id == credential.id)
        ).scalar_one()
        for table in (HOST, EMN)
    )
    if count:
        raise CredentialInUse(name=credential.name, count=count)
    connection.execute(delete(CREDENTIAL).where(CREDENTIAL.c.id == credential.id))
