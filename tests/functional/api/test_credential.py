# SPDX-License-Identifier: Apache-2.0
"""Credentials go in; of their secrets nothing comes out."""

import logging

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from hummingbird.db.repository import credential as credentials
from tests.functional.api.conftest import World


def _key(encryption: KeySerializationEncryption | None = None) -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, encryption or NoEncryption()
    ).decode()


def test_secrets_go_in_and_never_come_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    key = _key()
    with caplog.at_level(logging.DEBUG):
        answer = world.client.post(
            "/v1/credentials",
            {
                "name": "default",
                "user": "edge",
                "private_key": key.replace("\n", "\r\n").rstrip(),
                "become_password": "sudo secret",
            },
        )
    assert answer.status == 201
    added = answer.json
    assert added["secrets"] == ["private_key", "become_password"]
    assert (added["port"], added["become"]) == (22, True)
    shown = world.client.get("/v1/credentials/default")
    assert shown.json == added
    assert world.client.get("/v1/credentials").json == {"credentials": [added]}
    world.add(mgmt_ip="192.168.204.5")
    with world.database.reader() as connection:
        opened = credentials.of_host(connection, world.host(), box=world.box)
    assert opened.private_key == key
    assert opened.become_password == "sudo secret"
    middle = key.splitlines()[2]
    for text in (answer.body.decode(), shown.body.decode(), caplog.text):
        assert "sudo secret" not in text
        assert middle not in text


@pytest.mark.parametrize(
    "change",
    [
        {"password": None},
        {"user": ""},
        {"user": "-oProxyCommand=evil"},
        {"user": "a b"},
        {"port": 0},
        {"port": "22"},
        {"port": True},
        {"name": "a/b"},
        {"password": "two\nlines"},
        {"password": 5},
        {"private_key": "secret nonsense"},
        {"private_key": _key(BestAvailableEncryption(b"passphrase"))},
        {"become": "perhaps"},
        {"password_on_first_contact": "perhaps"},
        {"foo": 1},
    ],
)
def test_a_bad_credential_is_refused_without_repeating_it(
    world: World, change: dict[str, object]
) -> None:
    body = {"name": "shop", "user": "edge", "password": "a secret", **change}
    answer = world.client.post("/v1/credentials", body)
    assert answer.status == 400
    assert "secret" not in answer.sentence
    assert world.client.get("/v1/credentials").json == {"credentials": []}


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here", "is a public key (.pub)"),
        ("ecdsa-sha2-nistp256 AAAAE2VjZHNh", "is a public key (.pub)"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n", "is a public key (.pub)"),
        (_key(BestAvailableEncryption(b"passphrase")), "has a passphrase"),
        ("secret nonsense", "is not a private key"),
    ],
)
def test_a_key_that_is_no_use_is_told_by_its_kind(
    world: World, key: str, says: str
) -> None:
    body = {"name": "shop", "user": "edge", "private_key": key}
    answer = world.client.post("/v1/credentials", body)
    assert answer.status == 400
    assert says in answer.sentence


def test_a_password_at_first_contact_is_off_until_somebody_says_so(
    world: World,
) -> None:
    body = {"name": "shop", "user": "edge", "password": "x"}
    added = world.client.post("/v1/credentials", body).json
    assert added["password_on_first_contact"] is False
    body |= {"name": "yard", "password_on_first_contact": True}
    added = world.client.post("/v1/credentials", body).json
    assert added["password_on_first_contact"] is True
    with world.database.reader() as connection:
        assert credentials.find(connection, "yard").password_on_first_contact


def test_a_name_is_taken_once_and_freed(world: World) -> None:
    body = {"name": "shop", "user": "edge", "password": "x"}
    assert world.client.post("/v1/credentials", body).status == 201
    again = world.client.post("/v1/credentials", body)
    assert again.fault["code"] == "hummingbird.credential.taken"
    world.add(credential="shop")
    used = world.client.delete("/v1/credentials/shop")
    assert used.status == 409
    assert world.client.delete("/v1/ihosts/edge-0").status == 204
    assert world.client.delete("/v1/credentials/shop").status == 204
    assert world.client.get("/v1/credentials/shop").status == 404
