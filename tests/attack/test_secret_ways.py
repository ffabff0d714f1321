# SPDX-License-Identifier: Apache-2.0
"""Whatever an operator writes, in whatever order: a stored secret goes to where it went
before, or nowhere.

A secret is a credential, or the password of a board. Where it goes is the SSH key that is
pinned, or the addresses of a host of which none is; and the type, address and user of a board.
"""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hummingbird.api.http import app
from hummingbird.api.http.policy import rule_of
from hummingbird.api.routes import ROUTES
from hummingbird.context import RequestContext
from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import host as hosts
from hummingbird.domain.board import board_of, bound_to
from hummingbird.domain.host import Host
from hummingbird.errors import CredentialMissing
from tests.functional.api.conftest import World

HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)
HIS_OWN = "a password that he brought"
NUMBERS = count()

Way = tuple[str, str]

FIELDS: dict[str, list[Any]] = {
    "mgmt_ip": ["none", "192.168.204.77", "10.20.0.9", "10.30.0.9", "10.40.0.9"],
    "underlay": ["none", "172.16.0.9", "172.16.0.10"],
    "credential": ["none", "shop", "plant", "default"],
    "forget_host_key": [True],
    "host_key": [HOST_KEY],
    "bm_type": ["none", "redfish", "dynamic", "ipmi"],
    "bm_ip": ["10.9.0.7", "10.66.6.6"],
    "bm_username": ["root", "other"],
    "bm_password": [HIS_OWN],
    "serialid": ["7"],
    "action": ["unlock", "lock", "reset"],
}
"""What of a host an operator sends, and to what."""

WRITES = {("PATCH", "/v1/ihosts/{host}"), ("POST", "/v1/ihosts/{host}/trace")}
"""All that an operator may ask for which is no look."""

changes = st.lists(
    st.sampled_from(sorted(FIELDS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(FIELDS[name]))
    ),
    min_size=1,
    max_size=3,
).map(dict)


def become(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    """Have requests come from somebody with this role."""
    caller = RequestContext(user="kim", roles=(role,), project="admin")
    monkeypatch.setattr(app, "authenticate", lambda *_, **__: caller)


def build(world: World) -> None:
    """Networks with credentials of their own, two without, and one more of each kind."""
    world.add_ready("default-maker")
    for name in ("shop", "plant"):
        body = {"name": name, "user": "edge", "password": f"of {name}"}
        assert world.client.post("/v1/credentials", body).status == 201
    for number, credential in ((20, "shop"), (30, None), (40, "plant")):
        emn = {"name": f"n{number}", "cidr": f"10.{number}.0.0/24"}
        named = {"credential": credential} if credential else {}
        body = {**emn, "attachment": "routed", **named}
        assert world.client.post("/v1/emns", body).status == 201


def ways(world: World, name: str) -> set[Way]:
    """Return which stored secret of others would be brought where."""
    host = world.host(name)
    return {*_login(world, host), *_board(world, host)}


def _login(world: World, host: Host) -> set[Way]:
    if host.mgmt_ip is None and host.known_hosts is None:
        return set()
    with world.database.reader() as connection:
        try:
            found = credentials.of_host(connection, host, box=world.box)
        except CredentialMissing:
            return set()
    return {(found.uuid, host.known_hosts or f"{host.mgmt_ip} {host.underlay}")}


def _board(world: World, host: Host) -> set[Way]:
    board = board_of(host)
    if board is None or not board.is_bound:
        return set()
    password = world.box.open(board.password_sealed)
    if password == HIS_OWN:
        return set()
    return {(password, " ".join(bound_to(host.attributes)))}


def test_what_an_operator_may_write_is_what_is_tried_here() -> None:
    may = {
        (method, path)
        for method, path, _ in ROUTES
        if method != "GET" and "operator" in rule_of(method, path).check_str
        if "rule:admin_or_configurator" not in rule_of(method, path).check_str
    }
    assert may == WRITES


def test_a_secret_stays_where_it_was_given_for_whatever_an_operator_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(world)

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        address=st.sampled_from([None, "192.168.204.60", "10.20.0.5", "10.30.0.5"]),
        credential=st.sampled_from([None, "shop"]),
        is_pinned=st.booleans(),
        written=st.lists(changes, min_size=1, max_size=4),
    )
    def play(
        address: str | None,
        credential: str | None,
        is_pinned: bool,
        written: list[dict[str, Any]],
    ) -> None:
        name = f"edge-{next(NUMBERS)}"
        become(monkeypatch, "configurator")
        more: dict[str, Any] = {"mgmt_ip": address} if address else {}
        more |= {"credential": credential} if credential else {}
        more |= {"host_key": HOST_KEY} if is_pinned else {}
        world.add(
            name,
            bm_type="redfish",
            bm_ip="10.9.0.7",
            bm_username="root",
            bm_password="the stored one",
            **more,
        )
        become(monkeypatch, "operator")
        before = ways(world, name)
        for change in written:
            world.client.update(name, **change)
            after = ways(world, name)
            assert after <= before, (change, after - before)
        with world.database.writer() as connection:
            hosts.remove(connection, world.host(name).id)

    play()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_by_way_of_no_address_no_other_credential_comes_to_a_host(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(world)
    world.add("edge-9", mgmt_ip="10.20.0.5", host_key=HOST_KEY)
    become(monkeypatch, "operator")
    before = ways(world, "edge-9")
    for address in ("none", "10.30.0.9", "10.40.0.9", "192.168.204.77"):
        world.client.update("edge-9", mgmt_ip=address)
        assert ways(world, "edge-9") == before
    assert world.client.update("edge-9", mgmt_ip="10.20.0.6").status == 200
    become(monkeypatch, "configurator")
    assert world.client.update("edge-9", mgmt_ip="none").status == 200
