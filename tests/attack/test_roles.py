# SPDX-License-Identifier: Apache-2.0
"""Roles × what can be changed of a host: nobody gets a stored secret, or has one sent to where
it was not given for, who may not set it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hummingbird.api.http import app
from hummingbird.api.http.policy import rule_of
from hummingbird.api.routes import ROUTES
from hummingbird.api.schema.host_patch import _OURS
from hummingbird.api.view.host import DEFAULTS
from hummingbird.context import RequestContext
from hummingbird.db.repository import host as hosts
from hummingbird.domain.board import BOUND, board_of
from tests.functional.api.conftest import Answer, World

ROLES = ("reader", "operator", "configurator", "admin")
OPERATORS = ROLES[1:]
CONFIGURATORS = ROLES[2:]
NOBODY: tuple[str, ...] = ()
CANARY = "canary-of-a-secret"
BOARD = {
    "bm_type": "redfish",
    "bm_ip": "10.9.0.7",
    "bm_username": "root",
    "bm_password": CANARY,
}
SECRET = "hummingbird.host.secret_elsewhere"

As = Callable[..., None]


@pytest.fixture
def as_role(monkeypatch: pytest.MonkeyPatch) -> As:
    """Have requests come from somebody with this role."""

    def become(role: str) -> None:
        caller = RequestContext(user="kim", roles=(role,), project="admin")
        monkeypatch.setattr(app, "authenticate", lambda *_, **__: replace(caller))

    return become


@pytest.fixture
def shop(world: World) -> World:
    """A host with a board, that may be changed, in a world with a second network."""
    world.add_ready()
    body = {"name": "shop", "user": "edge", "password": CANARY}
    assert world.client.post("/v1/credentials", body).status == 201
    emn = {"name": "other", "cidr": "10.20.0.0/24", "attachment": "routed"}
    assert world.client.post("/v1/emns", {**emn, "credential": "shop"}).status == 201
    assert world.client.update("edge-0", **BOARD).status == 200
    return world


def pinned(world: World) -> None:
    world.change("edge-0", known_hosts="edge-0 ssh-ed25519 AAAA")


def code(answer: Answer) -> str:
    return str(answer.fault["code"])


HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)

FIELDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "location": ({"location": "Ulm"}, OPERATORS),
    "serialid": ({"serialid": "7"}, OPERATORS),
    "capabilities": ({"capabilities": {"a": "b"}}, OPERATORS),
    "clock_synchronization": ({"clock_synchronization": "ptp"}, OPERATORS),
    "ttys_dcd": ({"ttys_dcd": True}, OPERATORS),
    "apparmor": ({"apparmor": "enabled"}, OPERATORS),
    "boot_device": ({"boot_device": "/dev/sdb"}, OPERATORS),
    "rootfs_device": ({"rootfs_device": "/dev/sdb"}, OPERATORS),
    "hw_settle": ({"hw_settle": "5"}, OPERATORS),
    "install_output": ({"install_output": "graphical"}, OPERATORS),
    "console": ({"console": "tty0"}, OPERATORS),
    "tboot": ({"tboot": "true"}, OPERATORS),
    "max_cpu_mhz_configured": ({"max_cpu_mhz_configured": "9"}, NOBODY),
    "subfunctions": ({"subfunctions": "edgeworker,lowlatency"}, NOBODY),
    "credential": ({"credential": "shop"}, CONFIGURATORS),
    "forget_host_key": ({"forget_host_key": True}, CONFIGURATORS),
    "host_key": ({"host_key": HOST_KEY}, CONFIGURATORS),
    "mgmt_ip": ({"mgmt_ip": "192.168.204.77"}, CONFIGURATORS),
    "underlay": ({"underlay": "172.16.0.9"}, CONFIGURATORS),
    "bm_ip": ({"bm_ip": "10.66.6.6"}, CONFIGURATORS),
    "bm_type": ({"bm_type": "ipmi"}, CONFIGURATORS),
    "bm_username": ({"bm_username": "other"}, CONFIGURATORS),
    "bm_password": ({"bm_password": "his own"}, OPERATORS),
    "action": ({"action": "unlock"}, OPERATORS),
}
"""What is changed of a host that nobody has logged in to yet, and who may."""


def test_every_field_that_can_be_changed_is_in_the_table() -> None:
    assert {*DEFAULTS, *_OURS} - set(FIELDS) == set()


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_may_change_a_field(shop: World, as_role: As, field: str) -> None:
    change, allowed = FIELDS[field]
    for role in ROLES:
        if role in allowed and role != allowed[0]:
            continue  # the least role that may has done it
        as_role(role)
        if role not in allowed and "forget_host_key" in change:
            pinned(shop)
        before = shop.host()
        answer = shop.client.update("edge-0", **change)
        assert (answer.status == 200) is (role in allowed), (role, answer.body)
        assert CANARY.encode() not in answer.body
        if role not in allowed:
            assert shop.host() == before


@pytest.mark.parametrize("field", ["bm_ip", "bm_type", "bm_username"])
def test_an_operator_moves_a_board_with_its_password_alone(
    shop: World, as_role: As, field: str
) -> None:
    change = FIELDS[field][0]
    as_role("operator")
    refused = shop.client.update("edge-0", **change)
    assert (refused.status, code(refused)) == (400, SECRET)
    assert refused.sentence.startswith("Host-update Rejected: kim may not change")
    assert shop.client.update("edge-0", **change, bm_password="his own").status == 200
    found = shop.host()
    board = board_of(found)
    assert board is not None
    assert board.is_bound
    assert shop.box.open(board.password_sealed) == "his own"


def test_an_operator_forgets_a_board(shop: World, as_role: As) -> None:
    as_role("operator")
    assert shop.client.update("edge-0", bm_type="none").status == 200
    assert "bm_password_sealed" not in shop.host().attributes
    assert BOUND not in shop.host().attributes


def test_a_configurator_moves_a_board_and_vouches_for_it(
    shop: World, as_role: As
) -> None:
    as_role("configurator")
    assert shop.client.update("edge-0", bm_ip="10.9.0.8").status == 200
    board = board_of(shop.host())
    assert board is not None
    assert board.is_bound


def test_a_password_is_not_used_where_it_was_not_given_for(shop: World) -> None:
    """Whoever has changed the row: another release, or a hand in the database."""
    attributes = {**shop.host().attributes, "bm_ip": "10.66.6.6"}
    with shop.database.writer() as connection:
        hosts.change(
            connection, shop.host(), now=shop.clock.now(), attributes=attributes
        )
    board = board_of(shop.host())
    assert board is not None
    assert not board.is_bound


def test_a_host_whose_key_is_known_may_be_moved_by_an_operator(
    shop: World, as_role: As
) -> None:
    pinned(shop)
    as_role("operator")
    assert shop.client.update("edge-0", mgmt_ip="192.168.204.77").status == 200
    # There it would be logged in to with what is another network's.
    refused = shop.client.update("edge-0", mgmt_ip="10.20.0.9")
    assert (refused.status, code(refused)) == (400, SECRET)
    refused = shop.client.update(
        "edge-0", mgmt_ip="192.168.204.78", forget_host_key=True
    )
    assert (refused.status, code(refused)) == (400, SECRET)
    assert shop.host().known_hosts is not None


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_gets_a_secret_back(shop: World, as_role: As, role: str) -> None:
    as_role(role)
    for method, route, _ in ROUTES:
        if method != "GET":
            continue
        for name in ("edge-0", "shop"):
            path = "/".join(
                name if part.startswith("{") else part for part in route.split("/")
            )
            answer = shop.client.get(path)
            assert CANARY.encode() not in answer.body, path
            assert b"sealed" not in answer.body.replace(b"unsealing", b""), path


def test_whoever_writes_needs_more_than_a_reader() -> None:
    for method, path, _ in ROUTES:
        if method != "GET":
            assert "reader" not in rule_of(method, path).check_str, path
