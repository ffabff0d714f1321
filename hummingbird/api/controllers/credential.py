# SPDX-License-Identifier: Apache-2.0
"""/v1/credentials: how the conductor gets into hosts. Secrets go in and never come out."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.credential import parse_new_credential
from hummingbird.api.view.credential import credential_view
from hummingbird.db.repository import credential


def list_all(call: Call) -> Any:
    """GET /v1/credentials"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        secrets = credential.secret_names(connection)
        return {
            "credentials": [
                credential_view(one, secrets=secrets[one.id])
                for one in credential.list_all(connection)
            ]
        }


def get(call: Call) -> Any:
    """GET /v1/credentials/{credential}: by id, uuid or name"""
    with call.dependencies.database.snapshot() as connection:
        found = credential.find(connection, call.name)
        secrets = credential.secret_names(connection)
        return credential_view(found, secrets=secrets[found.id])


def create(call: Call) -> Any:
    """POST /v1/credentials"""
    new = parse_new_credential(call.json_object())
    with call.dependencies.database.writer() as connection:
        added = credential.create(
            connection,
            name=new.name,
            user=new.user,
            port=new.port,
            become=new.become,
            private_key=new.private_key,
            password=new.password,
            become_password=new.become_password,
            password_on_first_contact=new.password_on_first_contact,
            box=call.dependencies.box,
            now=call.dependencies.clock.now(),
        )
        secrets = credential.secret_names(connection)
    call.status = 201
    return credential_view(added, secrets=secrets[added.id])


def remove(call: Call) -> None:
    """DELETE /v1/credentials/{credential}"""
    with call.dependencies.database.writer() as connection:
        credential.remove(connection, credential.find(connection, call.name))
