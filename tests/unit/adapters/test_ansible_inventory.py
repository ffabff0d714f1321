# SPDX-License-Identifier: Apache-2.0
"""What a run writes for Ansible is data, and nothing in it is an option or a template."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.ansible.inventory import ALIAS, pinned, render
from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.errors import BadRequest

ACCESS = HostAccess(address="10.20.0.11", user="edge", private_key="key")


def _render(access: HostAccess = ACCESS, **variables: object) -> str:
    return render(
        access,
        variables=variables,
        known_hosts=Path("/state/a b/100%/known_hosts"),
        private_key=Path("/state/a b/key"),
    )


def _read_by_ansible(text: str, folder: Path) -> dict[str, Any]:
    """Return the host's variables as Ansible reads them."""
    path = folder / "inventory.json"
    path.write_text(text)
    argv = [
        sys.executable,
        "-m",
        "ansible",
        "inventory",
        "-i",
        str(path),
        "--host",
        ALIAS,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.mark.parametrize(
    "typed",
    [
        "{{ 7 * 7 }}",
        "{% raw %}",
        'quote " and \\ backslash',
        "a: b\n- c",
        "ünïcode \u2028 \U0001f426",
        "",
        "yes",
        "1.30",
        "null",
    ],
)
def test_a_string_arrives_as_it_was_typed(typed: str, tmp_path: Path) -> None:
    read = _read_by_ansible(_render(first=typed, second={"k": [typed]}), tmp_path)
    for value in (read["first"], read["second"]["k"][0]):
        assert value in (typed, {"__ansible_unsafe": typed})


def test_every_string_is_marked_as_literal() -> None:
    text = _render(name="x", nested={"list": ["y", {"deep": "z"}]}, number=3, flag=True)
    for value in ("x", "y", "z", "10.20.0.11", "edge"):
        assert f'"__ansible_unsafe": "{value}"' in text
    assert '"number": 3' in text
    assert '"flag": true' in text


@pytest.mark.parametrize(
    "access",
    [
        HostAccess(address="-oProxyCommand=reboot", user="edge"),
        HostAccess(address="edge[0:9]", user="edge"),
        HostAccess(address="10.0.0.1 -oX", user="edge"),
        HostAccess(address="10.0.0.1\n", user="edge"),
        HostAccess(address="", user="edge"),
        HostAccess(address="10.0.0.1", user="-l root"),
        HostAccess(address="10.0.0.1", user='a"b'),
        HostAccess(address="10.0.0.1", user="edge", port=0),
        HostAccess(address="10.0.0.1", user="edge", port=65536),
    ],
)
def test_what_could_be_an_option_is_refused(access: HostAccess) -> None:
    with pytest.raises(BadRequest):
        _render(access)


@pytest.mark.parametrize("address", ["fd00::1", "192.0.2.1", "edge-0.example.net"])
def test_addresses_and_names_are_taken(address: str) -> None:
    assert address in _render(HostAccess(address=address, user="edge"))


def test_first_contact_accepts_a_new_key_and_later_ones_insist() -> None:
    assert "StrictHostKeyChecking=accept-new" in _render()
    pinned = HostAccess(address="10.0.0.1", user="edge", known_hosts="10.0.0.1 k")
    assert "StrictHostKeyChecking=yes" in _render(pinned)


def test_paths_with_blanks_and_percents_stay_one_option() -> None:
    host = json.loads(_render())["all"]["hosts"][ALIAS]
    options = shlex.split(host["ansible_ssh_common_args"]["__ansible_unsafe"])
    assert 'UserKnownHostsFile="/state/a b/100%%/known_hosts"' in options
    assert 'IdentityFile="/state/a b/key"' in options


def test_only_plain_data_can_be_a_variable() -> None:
    with pytest.raises(TypeError):
        _render(thing=object())
    with pytest.raises(TypeError):
        _render(thing={"__ansible_unsafe": "x"})
    with pytest.raises(TypeError):
        render(
            ACCESS,
            variables={"Not-A-Name": 1},
            known_hosts=Path("/k"),
            private_key=None,
        )


def test_secrets_do_not_show_in_a_repr() -> None:
    access = HostAccess(
        address="10.0.0.1",
        user="edge",
        private_key="SECRETKEY",
        password="SECRETWORD",
        become_password="SECRETSUDO",
    )
    assert "SECRET" not in repr(access)


def test_a_host_is_known_by_its_key_whatever_its_address_was() -> None:
    assert f"HostKeyAlias={ALIAS}" in _render()
    stored = "[10.20.0.11]:2222 ssh-ed25519 AAAA\n\n10.20.0.11 ssh-rsa BBBB\n"
    assert pinned(stored) == f"{ALIAS} ssh-ed25519 AAAA\n{ALIAS} ssh-rsa BBBB\n"
