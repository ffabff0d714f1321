# SPDX-License-Identifier: Apache-2.0
"""Credentials: sealed at rest, found for a host in the right order."""

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Database
from hummingbird.domain.credential import Credential
from hummingbird.domain.emn import Attachment
from hummingbird.errors import (
    CredentialInUse,
    CredentialMissing,
    CredentialTaken,
    SecretUnreadable,
)
from hummingbird.secretbox import SecretBox

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add(database: Database, name: str, *, box: SecretBox) -> Credential:
    with database.writer() as connection:
        return credentials.create(
            connection,
            name=name,
            user="edge",
            port=22,
            become=True,
            private_key=f"key of {name}",
            password=None,
            become_password="hunter2",
            box=box,
            now=NOW,
        )


def test_secrets_are_neither_stored_nor_shown_in_clear(database: Database) -> None:
    box = SecretBox(Fernet.generate_key())
    made = add(database, "default", box=box)
    assert made.private_key is None and made.become_password is None
    with pytest.raises(CredentialTaken):
        add(database, "default", box=box)
    with database.reader() as connection:
        row = connection.execute(text("select * from credential")).one()
    assert "hunter2" not in repr(row) and "key of" not in repr(row)


def test_a_hosts_own_credential_comes_before_its_networks_and_the_default(
    database: Database,
) -> None:
    box = SecretBox(Fernet.generate_key())
    with database.writer() as connection:
        emn = emns.create(
            connection,
            name="plant",
            cidr="10.20.0.0/24",
            attachment=Attachment.ROUTED,
            site=None,
            credential_id=None,
            now=NOW,
        )
        host = hosts.create(
            connection,
            hostname="edge-1",
            mgmt_mac="02:00:00:00:00:01",
            mgmt_ip="10.20.0.11",
            emn_id=emn.id,
            credential_id=None,
            serialid=None,
            location={},
            capabilities={},
            attributes={},
            now=NOW,
        )
        with pytest.raises(CredentialMissing):
            credentials.of_host(connection, host, box=box)

    def key() -> str | None:
        with database.reader() as connection:
            now = hosts.get(connection, host.id)
            found = credentials.of_host(connection, now, box=box)
            assert "key of" not in repr(found)
            return found.private_key

    add(database, "default", box=box)
    assert key() == "key of default"
    plant = add(database, "plant", box=box)
    with database.writer() as connection:
        emns.change(connection, emn, credential_id=plant.id)
    assert key() == "key of plant"
    own = add(database, "own", box=box)
    with database.writer() as connection:
        hosts.change(connection, host, now=NOW, credential_id=own.id)
    assert key() == "key of own"
    with database.writer() as connection, pytest.raises(CredentialInUse):
        credentials.remove(connection, own)
    with database.reader() as connection, pytest.raises(SecretUnreadable):
        other = SecretBox(Fernet.generate_key())
        credentials.of_host(connection, hosts.get(connection, host.id), box=other)
