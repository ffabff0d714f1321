# SPDX-License-Identifier: Apache-2.0
"""A fault of a playbook is worth nothing: Ansible's processes see what a run needs.

Each test runs a playbook that does on purpose, on the controller, what no playbook should.
"""

import os

import pytest

from hummingbird.adapters.ansible import confine
from tests.attack.host.world import World

pytestmark = pytest.mark.timeout(300)


def tried(world: World, *expressions: str) -> str:
    """Evaluate these on the controller; return what they told."""
    tasks = "".join(
        f'    - {{name: try, ansible.builtin.debug: {{msg: "{{{{ {each} }}}}"}},'
        " ignore_errors: true}\n"
        for each in expressions
    )
    (world.playbooks / "tries.yml").write_text(
        f"- name: play\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
    )
    result = world.run("tries", variables={})
    assert result.status == "successful", result
    return "\n".join(event.message for event in world.events)


def test_a_playbook_that_reads_secrets_on_purpose_gets_none(world: World) -> None:
    """`leaks` of the fixture looks for each of them in what was told."""
    assert confine.probe().landlock, "this kernel has no Landlock"
    secrets = [place for place in world.secrets if place.startswith("/")]
    told = tried(
        world,
        "lookup('pipe', 'echo works')",
        f"lookup('pipe', 'ls {world.playbooks}/tries.yml')",
        *(f"lookup('file', '{place}')" for place in secrets),
        *(f"lookup('pipe', 'cat {place} 2>&1; true')" for place in secrets),
        f"lookup('pipe', 'ls {world.state} 2>&1; true')",
        "lookup('pipe', 'cat /etc/shadow 2>&1; true')",
        f"lookup('pipe', 'tr \\\\0 \\\\n </proc/{os.getpid()}/environ 2>&1; true')",
        f"lookup('pipe', 'cat /proc/{os.getpid()}/root{secrets[0]} 2>&1; true')",
        f"lookup('pipe', 'kill {os.getpid()} 2>&1; echo killed')",
        f"lookup('pipe', 'echo x >{world.folder}/evaluated 2>&1; true')",
    )
    assert "works" in told
    assert "tries.yml" in told
    for text in world.secrets.values():
        assert text not in told
    for word in ("root:", "PYTEST", "hummingbird.sqlite\n"):
        assert word not in told, told


def test_nothing_of_the_conductors_environment_and_powers_goes_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "secret-of-the-environment")
    monkeypatch.setenv("HUMMINGBIRD_DATABASE", "postgresql://a:secret@b/c")
    told = tried(
        world,
        "lookup('pipe', 'env | grep -i -e secret -e postgres; echo looked')",
        "lookup('pipe', 'grep -h -e CapEff -e CapBnd -e NoNewPrivs /proc/self/status')",
    )
    assert "looked" in told
    assert "secret" not in told and "postgres" not in told, told
    status = dict(
        line.split(":\t")
        for line in told.splitlines()
        if line.startswith(("Cap", "No"))
    )
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) & ~0b10 == 0, "at most CAP_DAC_OVERRIDE"
    assert int(status["CapBnd"], 16) & ~0b10 == 0 or os.geteuid() != 0
