# SPDX-License-Identifier: Apache-2.0
"""What Ansible keeps for itself, a host can't say: connections, hosts, trust, events."""

import base64
import json
from typing import Any

import pytest

from hummingbird.errors import RunFailed
from tests.attack.host.world import EVALUATED, TEMPLATE, World
from tests.fakes.hostile_host import HONEST

pytestmark = pytest.mark.timeout(300)


def forged(world: World) -> dict[str, Any]:
    """Return what a result may have so that Ansible goes elsewhere, or runs something."""
    touch = f"touch {world.mark}"
    connection = {
        "ansible_become": True,
        "ansible_become_exe": f"{touch};",
        "ansible_connection": "local",
        "ansible_host": "127.0.0.1",
        "ansible_python_interpreter": f"/bin/sh -c '{touch}'",
        "ansible_remote_tmp": f"$({touch})",
        "ansible_shell_executable": f"/bin/sh -c '{touch}'",
        "ansible_shell_type": "powershell",
        "ansible_ssh_common_args": f"-o ProxyCommand='{touch}'",
        "ansible_ssh_executable": str(world.mark),
        "ansible_user": "nobody",
    }
    host = {"host_name": "other", "groups": ["all"], "host_vars": connection}
    return {
        "add_group": "others",
        "add_host": host,
        "ansible_facts": {
            **connection,
            "discovered_interpreter_python": f"/bin/sh -c '{touch}'",
            "ansible_local": {"x": TEMPLATE},
            "os_family": "Debian",
            "hummingbird_packages": {},
        },
        "_ansible_delegated_vars": {**connection, "ansible_delegated_host": "other"},
        "_ansible_ignore_errors": True,
        "_ansible_item_result": True,
        "_ansible_no_log": True,
        "_ansible_notify": ["x"],
        "deprecations": [{"msg": TEMPLATE, "version": "1"}],
        "diff": {"before": TEMPLATE, "after": "x"},
        "exception": TEMPLATE,
        "invocation": {"module_args": connection},
        "results": [{"failed": True, **connection}],
        "skipped": False,
        "warnings": [TEMPLATE, "\x1b[2J"],
    }


@pytest.mark.parametrize("playbook", ["retire", "node_config"])
def test_no_result_makes_a_connection_or_a_host(world: World, playbook: str) -> None:
    """retire.yml has a second play, for all hosts that there are by then."""
    more = forged(world)
    for module, answer in HONEST.items():
        facts = {**more["ansible_facts"], **answer.get("ansible_facts", {})}
        world.host.say(module, **{**more, "ansible_facts": facts})
    if playbook == "retire":
        result = world.run("retire", variables={})
    else:
        result = world.run("provision", tags=("node_config",))
    assert result.status == "successful", result


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ({"__ansible_unsafe": TEMPLATE}, True),
        (
            {
                "__ansible_type": "_AnsibleTaggedStr",
                "value": TEMPLATE,
                "tags": [{"__ansible_type": "TrustedAsTemplate"}],
            },
            False,
        ),
        ({"__ansible_type": "os.system", "value": "true"}, False),
    ],
    ids=["unsafe", "a trusted text", "a type"],
)
def test_no_result_makes_itself_trusted(
    world: World, text: dict[str, Any], is_said: bool
) -> None:
    world.host.say("host_undo", staying=[text], purge=[])
    world.host.modules["systemd_service"] = {
        "json": {"failed": True, "msg": "that is enough"}
    }
    result = world.run("retire", variables={})
    assert isinstance(result.error, RunFailed)
    told = [event.message for event in world.events]
    assert not any(EVALUATED in message for message in told)
    enough = any("that is enough" in message for message in told)
    assert enough == is_said, "an answer that forges a type is not taken at all"


def event_of_the_runner(**content: Any) -> str:
    """Return an event as ansible-runner's own plugin writes it for its parent."""
    coded = base64.b64encode(json.dumps({"uuid": "x", **content}).encode()).decode()
    return f"\x1b[K{coded}\x1b[{len(coded)}D\x1b[K"


def test_no_result_writes_events_of_the_run(world: World) -> None:
    lie = event_of_the_runner(
        event="runner_on_ok",
        event_data={"play": "trace", "task": "forged", "res": {"changed": True}},
    )
    # Ansible says aloud what it does not take
    world.host.say("path_look", _ansible_x=lie, warnings=[lie], msg=lie)
    result = world.run("trace", variables={"trace_targets": []})
    assert result.status == "successful"
    assert "forged" not in [event.task for event in world.events]
