# SPDX-License-Identifier: Apache-2.0
"""/v1/emns: the networks that hosts are in."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.http.precondition import check_match, is_known, show_tag
from hummingbird.api.schema.emn import parse_emn_change, parse_new_emn
from hummingbird.api.view.emn import emn_view
from hummingbird.db.repository import address_pool, credential, emn
from hummingbird.db.session import Connection


def list_all(call: Call) -> Any:
    """GET /v1/emns"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        names = _credential_names(connection)
        return {
            "emns": [
                emn_view(one, credentials=names) for one in emn.list_all(connection)
            ]
        }


def get(call: Call) -> Any:
    """GET /v1/emns/{emn}: by id, uuid or name"""
    with call.dependencies.database.snapshot() as connection:
        found = emn.find(connection, call.name)
        if is_known(call, found):
            return None
        return emn_view(found, credentials=_credential_names(connection))


def create(call: Call) -> Any:
    """POST /v1/emns"""
    new = parse_new_emn(call.json_object())
    with call.dependencies.database.writer() as connection:
        added = emn.create(
            connection,
            name=new.name,
            cidr=new.cidr,
            attachment=new.attachment,
            site=new.site,
            credential_id=_credential_id(connection, new.credential),
            gateway=new.gateway,
            mtu=new.mtu,
            vni=new.vni,
            lan_interface=new.lan_interface,
            dynamic=new.dynamic,
            now=call.dependencies.clock.now(),
        )
        call.status = 201
        show_tag(call, added)
        answer = emn_view(added, credentials=_credential_names(connection))
    call.dependencies.hurry("own_address")
    return answer


def patch(call: Call) -> Any:
    """PATCH /v1/emns/{emn} with an object of what changes"""
    body = call.json_object()
    with call.dependencies.database.writer() as connection:
        found = emn.find(connection, call.name)
        check_match(call, found, name=f"EMN {found.name}")
        change = parse_emn_change(body, cidr=found.cidr)
        if "credential" in change:
            name = change.pop("credential")
            change["credential_id"] = _credential_id(connection, name)
        if change:
            found = emn.change(connection, found, **change)
        show_tag(call, found)
        answer = emn_view(found, credentials=_credential_names(connection))
    call.dependencies.hurry("node")
    call.dependencies.hurry("vxlan")
    return answer


def remove(call: Call) -> None:
    """DELETE /v1/emns/{emn}"""
    with call.dependencies.database.writer() as connection:
        address_pool.alone(connection)
        found = emn.find(connection, call.name)
        check_match(call, found, name=f"EMN {found.name}")
        emn.remove(connection, found)


def _credential_id(connection: Connection, name: str | None) -> int | None:
    return None if not name else credential.find(connection, name).id


def _credential_names(connection: Connection) -> dict[int, str]:
    return {one.id: one.name for one in credential.list_all(connection)}
