# SPDX-License-Identifier: Apache-2.0
"""The role that puts the host's end of a tunnel there, on a host that has no wg.

Real Ansible, in a mount, process and network namespace of the test's own with another
/var/lib, where this machine's wg can't be run and systemd is one line. Needs root.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.test_wireguard import new_key, public_key_of

ROOT = Path(__file__).parents[2]
PROGRAMS = ("wg", "wireguard-go")
PLAY = """
- hosts: all
  gather_facts: false
  roles:
    - role: tunnel
      tags: [tunnel]
  vars:
    tunnel_settings: "{{ given_settings }}"
    tunnel_may_install: false
    tunnel_bundle: "{{ given_bundle }}"
"""
_INSIDE = """
set -e
mount -t tmpfs tmpfs /var/lib
for program in wg wireguard-go; do mount --bind /dev/null "$(command -v $program)"; done
PATH="$1:$PATH"; export PATH; shift
"$@"
cat /var/lib/hummingbird-tunnel/key 2>/dev/null | sed 's/^/KEY /'
"""

pytestmark = pytest.mark.timeout(180)


def play(folder: Path, *, bundle: str) -> tuple[str, str | None]:
    """Run the role; return the public key that it tells, and the host's private one."""
    (folder / "play.yml").write_text(PLAY)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\nexit 0\n")
    (tools / "systemctl").chmod(0o755)
    given = {
        "given_settings": (
            f"ADDRESS=100.126.0.2\nHUB_KEY={public_key_of(new_key())}\n"
            "HUB_ENDPOINT=192.0.2.1:51820\nNETWORKS=100.126.0.0/16\nKEEPALIVE=0\nMTU=1420\n"
        ),
        "given_bundle": bundle,
        "ansible_python_interpreter": sys.executable,
    }
    ansible = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run(
        [
            *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"),
            *("--mount-proc", "sh", "-c", _INSIDE, "sh", str(tools), str(ansible)),
            *("-i", "localhost,", "-c", "local", "--tags", "tunnel"),
            *("-e", json.dumps(given)),
            str(folder / "play.yml"),
        ],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "playbooks/ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        },
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, _, stats = done.stdout.partition("CUSTOM STATS")
    told = json.loads(stats[stats.index("{") : stats.index("}") + 1])
    _, _, key = done.stdout.partition("KEY ")
    return str(told["tunnel_public_key"]), key.strip() or None


def program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found


@pytest.mark.parametrize("place", [".", os.uname().machine])
def test_what_the_host_lacks_comes_along(tmp_path: Path, place: str) -> None:
    bundle = tmp_path / "bundle" / place
    bundle.mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(program(name), bundle / name)
    told, key = play(tmp_path, bundle=str(tmp_path / "bundle"))
    assert key is not None and public_key_of(key) == told


def test_what_nobody_brought_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    assert play(tmp_path, bundle="") == ("", None)
