# SPDX-License-Identifier: Apache-2.0
"""A host that lies gets nothing of the controller, whatever playbook runs on it.

Real Ansible by the real runner; the host answers each module and each command with an
attacker's texts: paths, lists of them, templates, commands of a shell. At the end of each
test nothing secret was sent, nothing was evaluated, and the run has ended by itself.
"""

import pytest

from hummingbird.adapters.ansible.playbook import PlaybookResult
from hummingbird.errors import RunFailed
from tests.attack.host.world import PLAYBOOKS, World
from tests.fakes.hostile_host import CONTAINERD

pytestmark = pytest.mark.timeout(300)

RUNS = {
    "provision": ("provision", ()),
    "recover, services": ("recover", ("restart_services", "power_off")),
    "recover, reboot": ("recover", ("reboot",)),
    "retire": ("retire", ()),
    "trace": ("trace", ()),
    "tunnel": ("tunnel", ("offer", "switch")),
    "verify": ("verify", ()),
    "vxlan": ("vxlan", ()),
}

OTHERS: dict[str, dict[str, object]] = {
    "recover": {"recover_reboot_timeout_seconds": 4},
    "retire": {},
    "trace": {"trace_targets": [{"host": "192.0.2.1", "port": 1}]},
    "vxlan": {"vxlan_settings": "ADDRESS=192.0.2.1\n"},
}
"""Variables of the playbooks that have others than provision.yml."""


def test_every_playbook_meets_a_hostile_host() -> None:
    assert {playbook for playbook, _ in RUNS.values()} == {
        path.stem for path in PLAYBOOKS.glob("*.yml")
    }


def ends_as_ours(result: PlaybookResult) -> bool:
    """Say whether a run ended well, or with an error that says where and why."""
    if result.status == "successful":
        return True
    return isinstance(result.error, RunFailed) and bool(result.message)


@pytest.mark.parametrize(("playbook", "tags"), RUNS.values(), ids=RUNS)
def test_a_host_that_lies_gets_nothing(
    world: World, playbook: str, tags: tuple[str, ...]
) -> None:
    world.host.be_poisoned(world.texts())
    # far enough into the roles for each of their tasks
    listing = "\n".join([CONTAINERD, *world.texts()])
    world.host.modules["command"] = {
        "json": {"changed": True, "rc": 0, "stdout": listing}
    }
    result = world.run(playbook, tags=tags, variables=OTHERS.get(playbook))
    assert ends_as_ours(result), result
    if playbook != "recover":
        assert result.status == "successful", result
    if playbook == "provision":
        assert world.host.has("# wireguard-go"), "what the host may have does arrive"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("os_family", "path"),
        ("os_family", "planted"),
        ("machine", "list"),
        ("machine", "home"),
    ],
)
def test_a_word_that_chooses_is_of_a_closed_list(
    world: World, word: str, name: str
) -> None:
    texts = world.texts()
    planted = str(world.folder / "planted")
    text = {"path": texts[0], "list": texts[2], "home": "~/key", "planted": planted}[
        name
    ]
    if word == "os_family":
        facts = {"os_family": text, "hummingbird_packages": {}}
        world.host.say("host_baseline", ansible_facts=facts)
    else:
        world.host.say("tunnel_host", machine=text)
    tags = ("node_config",) if word == "os_family" else ("tunnel",)
    result = world.run("provision", tags=tags)
    assert isinstance(result.error, RunFailed)
    assert "which is none that is known" in str(result.message), result


def test_a_retirement_takes_no_module_from_the_host(world: World) -> None:
    world.host.say("host_undo", os_family="../../../../etc/passwd")
    result = world.run("retire", variables={})
    assert isinstance(result.error, RunFailed)
    assert "which is none that is known" in str(result.message), result
