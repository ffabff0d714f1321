# SPDX-License-Identifier: Apache-2.0
"""First contact: a password goes to a host whose key is known, or as its credential allows."""

from typing import Any

import pytest

from hummingbird.db.model import CREDENTIAL
from hummingbird.db.repository import host as hosts
from hummingbird.domain.host import pin
from hummingbird.domain.host_state import HostState
from tests.fakes.world import World

NOT_PINNED = "hummingbird.host.key_not_pinned"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFake"
WITH_PASSWORD = {"password_sealed": "one", "private_key_sealed": None}
WITH_SUDO = {"become_password_sealed": "two"}


def keep(world: World, secrets: dict[str, Any], **values: Any) -> None:
    sealed = {
        name: text and world.box_of_secrets.seal(text) for name, text in secrets.items()
    }
    with world.database.writer() as connection:
        connection.execute(CREDENTIAL.update().values(**sealed, **values))


def pinned(world: World, known_hosts: str | None) -> None:
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), known_hosts=known_hosts)


@pytest.mark.parametrize("secrets", [WITH_PASSWORD, WITH_SUDO])
def test_a_password_is_told_to_no_host_whose_key_is_not_pinned(
    world: World, secrets: dict[str, Any]
) -> None:
    keep(world, secrets)
    world.unlock("edge-0")
    world.settle()
    assert world.run("edge-0").error_code == NOT_PINNED
    assert world.host("edge-0").state is HostState.PROVISION_FAILED
    assert not world.host("edge-0").touched
    assert world.runner.calls == []


def test_sudo_that_is_not_used_tells_no_password(world: World) -> None:
    keep(world, WITH_SUDO, become=False)
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED


def test_a_key_that_was_given_is_what_the_first_login_is_held_to(world: World) -> None:
    keep(world, WITH_PASSWORD)
    pinned(world, pin("edge-0", KEY))
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    assert world.runner.calls[0].access.known_hosts == f"edge-0 {KEY}\n"
    assert world.runner.calls[0].access.password == "one"


def test_a_credential_may_allow_it_and_the_runs_journal_says_so(world: World) -> None:
    keep(world, WITH_PASSWORD, password_on_first_contact=True)
    world.unlock("edge-0")
    world.settle()
    assert world.host("edge-0").state is HostState.ENABLED
    said = [
        event.message
        for event in world.events(world.run("edge-0"))
        if "password_on_first_contact" in event.message
    ]
    assert len(said) == 1, "once: the key that was shown is pinned after that"


def test_a_key_that_is_forgotten_has_passwords_refused_again(world: World) -> None:
    world.unlock("edge-0")
    world.settle()
    keep(world, WITH_PASSWORD)
    pinned(world, None)
    calls = len(world.runner.calls)
    world.lock("edge-0")
    world.settle()
    with world.database.writer() as connection:
        host = hosts.find(connection, "edge-0")
        hosts.change(connection, host, now=world.clock.now(), provisioned_plan="other")
    world.unlock("edge-0")
    world.settle()
    assert world.run("edge-0").error_code == NOT_PINNED
    assert world.runner.calls[calls:] == []
