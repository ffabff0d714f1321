# SPDX-License-Identifier: Apache-2.0
"""/v1/ihosts: the hosts, as StarlingX's clients add, list, change and delete them."""

from collections.abc import Callable
from typing import Any

from hummingbird.api.controllers.condition import conditions_of
from hummingbird.api.controllers.host_action import apply_action, delete
from hummingbird.api.controllers.host_add import add, credential_id_of, emn_id_of
from hummingbird.api.controllers.host_trust import refuse_elsewhere
from hummingbird.api.controllers.system import system_uuid
from hummingbird.api.http.call import Call
from hummingbird.api.http.precondition import check_match, show_tag
from hummingbird.api.schema.host import parse_new_host
from hummingbird.api.schema.host_patch import HostPatch, parse_host_patch
from hummingbird.api.schema.page import Page, parse_page
from hummingbird.api.view.host import HOST_IN_LIST, host_full, host_short
from hummingbird.db.repository import condition, host
from hummingbird.db.session import Connection
from hummingbird.domain.board import BOUND, PIN, bound_to
from hummingbird.domain.host import PERSONALITY, Host
from hummingbird.errors import BadRequest, HostGenerationConflict

_LIST = ("isystem_id", "marker", "limit", "personality", "sort_key", "sort_dir")
_STORED_KEYS = frozenset({"id", "uuid", "hostname", "mgmt_mac", "created_at"})
"""Sort keys that the database orders by; they are never null."""

View = Callable[..., dict[str, Any]]


def list_short(call: Call) -> Any:
    """GET /v1/ihosts"""
    return _list(call, host_short, resource="ihosts")


def list_full(call: Call) -> Any:
    """GET /v1/ihosts/detail"""
    return _list(call, host_full, resource="ihosts/detail")


def get(call: Call) -> Any:
    """GET /v1/ihosts/{host}"""
    call.arguments()
    with call.dependencies.database.reader() as connection:
        found = host.find(connection, call.name)
        return _full(call, connection, found)


def create(call: Call) -> Any:
    """POST /v1/ihosts"""
    call.arguments()
    new = parse_new_host(call.json_object())
    with call.dependencies.database.writer() as connection:
        added = add(call, connection, new, now=call.dependencies.clock.now())
        return _full(call, connection, added)


def patch(call: Call) -> Any:
    """PATCH /v1/ihosts/{host}"""
    call.arguments()
    body = call.json()
    try:
        return _patch(call, body)
    except HostGenerationConflict:
        # Somebody wrote between our look and our write (PostgreSQL only). The client
        # named no generation, so its words hold for the host as it is now, too.
        return _patch(call, body)


def remove(call: Call) -> Any:
    """DELETE /v1/ihosts/{host}"""
    try:
        delete(call)
    except HostGenerationConflict:
        delete(call)


def _patch(call: Call, body: object) -> Any:
    queued = False
    with call.dependencies.database.writer() as connection:
        found = host.find_held(connection, call.name)
        check_match(call, found, name=f"Host {found.hostname}")
        wanted = parse_host_patch(body, found)
        refuse_elsewhere(call, connection, found, wanted)
        values = _values(call, connection, found, wanted)
        if values:
            found = host.change(
                connection, found, now=call.dependencies.clock.now(), **values
            )
        if wanted.action is not None:
            found, queued = apply_action(call, connection, found, wanted.action)
        answer = _full(call, connection, found)
    if queued:
        call.dependencies.hurry()
    return answer


def _values(
    call: Call, connection: Connection, found: Host, wanted: HostPatch
) -> dict[str, Any]:
    values = dict(wanted.values)
    if wanted.address_changed:
        values["emn_id"] = emn_id_of(connection, values["mgmt_ip"])
        # What was put on the host names its former address.
        values["provisioned_plan"] = None
    if wanted.credential is not None:
        credential_id = credential_id_of(connection, wanted.credential)
        if credential_id != found.credential_id:
            values["credential_id"] = credential_id
    attributes = dict(values.get("attributes", found.attributes))
    if wanted.bm_password is not None:
        attributes["bm_password_sealed"] = call.dependencies.box.seal(
            wanted.bm_password
        )
        # Whoever gives a password vouches for the board that is there now.
        attributes.pop(PIN, None)
    if wanted.bm_password is not None or "attributes" in values:
        # Whoever may move a board without its password vouches for it, too.
        attributes.pop(BOUND, None)
        if "bm_password_sealed" in attributes:
            attributes[BOUND] = bound_to(attributes)
        values["attributes"] = attributes
    return values


def _full(call: Call, connection: Connection, found: Host) -> dict[str, Any]:
    uuid = system_uuid(call.dependencies, connection)
    show_tag(call, found)
    since = condition.key_changed_since(connection, found.id)
    return host_full(
        found,
        base=call.base,
        system_uuid=uuid,
        host_key_changed_at=since,
        seen=conditions_of(connection, found),
    )


def _list(call: Call, view: View, *, resource: str) -> Any:
    arguments = call.arguments(*_LIST)
    page = parse_page(arguments, maximum=call.dependencies.conf.api.max_limit)
    if page.sort_key not in HOST_IN_LIST.fields:
        raise BadRequest(message=f"Invalid sort key: {page.sort_key[:40]}.")
    with call.dependencies.database.reader() as connection:
        uuid = system_uuid(call.dependencies, connection)
        wanted = (
            arguments.get("personality", PERSONALITY) == PERSONALITY
            and arguments.get("isystem_id", uuid) == uuid
        )
        after = None if page.marker is None else host.find(connection, page.marker)
        hosts = _page(connection, page, after=after) if wanted else []
    answer: dict[str, Any] = {
        "ihosts": [view(one, base=call.base, system_uuid=uuid) for one in hosts]
    }
    if page.limit is not None and len(hosts) == page.limit:
        direction = "desc" if page.descending else "asc"
        answer["next"] = (
            f"{call.base}/v1/{resource}?sort_key={page.sort_key}&sort_dir={direction}"
            f"&limit={page.limit}&marker={hosts[-1].uuid}"
        )
    return answer


def _page(connection: Connection, page: Page, *, after: Host | None) -> list[Host]:
    if page.sort_key in _STORED_KEYS:
        return host.list_all(
            connection,
            sort_key=page.sort_key,
            descending=page.descending,
            limit=page.limit,
            after=after,
        )
    # What StarlingX sees of a state is made from it here, so the order is, too.
    hosts = host.list_all(connection)
    keyed = [(_sort_value(one, page.sort_key), one.id, one) for one in hosts]
    keyed.sort(key=lambda item: item[:2], reverse=page.descending)
    ordered = [item[2] for item in keyed]
    if after is not None:
        ids = [one.id for one in ordered]
        ordered = ordered[ids.index(after.id) + 1 :]
    return ordered if page.limit is None else ordered[: page.limit]


def _sort_value(one: Host, key: str) -> tuple[bool, int, str]:
    value = host_short(one, base="", system_uuid="")[key]
    number = value if isinstance(value, int) else 0
    return value is not None, number, str(value)
