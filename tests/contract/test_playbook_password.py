# SPDX-License-Identifier: Apache-2.0
"""A host that is entered by password is sent that password, wherever Ansible is installed.

A real SSH server on loopback, which sees passwords of the test's own in a mount namespace.
Needs root.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.adapters.ansible.runner import AnsibleRunner
from hummingbird.adapters.ssh.probe import probe
from hummingbird.errors import RunFailed
from tests.free_port import free_port

PASSWORD = "its own 'word' $HOME"
PLAY = """
- name: first
  hosts: all
  gather_facts: false
  tasks:
    - name: look
      ansible.builtin.command: {argv: ["true"]}
      changed_when: false
"""
_INSIDE = """
mount --bind "$1" /etc/shadow
shift
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio "$@"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a server that takes root's password of this test."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    shadow = tmp_path / "shadow"
    shadow.write_text(f"root:{hashed}:19000:0:99999:7:::\nsshd:!:19000::::::\n")
    shadow.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "host"],
        check=True,
    )
    number = free_port()
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {number}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile none\n"
        "UsePAM no\nStrictModes no\nPasswordAuthentication yes\nPermitRootLogin yes\n"
        "PubkeyAuthentication no\n"
    )
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    assert sshd, "these tests need an SSH server: apt-get install openssh-server"
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        [
            *("unshare", "--mount", "sh", "-c", _INSIDE, "sh", str(shadow)),
            *(sshd, "-D", "-e", "-f", str(config)),
        ],
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not probe("127.0.0.1", port=number, timeout_seconds=1):
        assert time.monotonic() < deadline, "the SSH server did not come up"
    yield number
    process.terminate()
    process.wait(60)


@pytest.mark.parametrize("password", [PASSWORD, "another"])
def test_a_host_is_sent_its_password(
    port: int, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    assert shutil.which("ansible") is None, "this test is about where it is not"
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    (playbooks / "calm.yml").write_text(PLAY)
    shutil.copy(
        Path(__file__).parents[2] / "playbooks" / "ansible.cfg",
        playbooks / "ansible.cfg",
    )
    result = AnsibleRunner(
        playbooks, tmp_path / "state", packed=tmp_path / "modules"
    ).run(
        "calm",
        access=HostAccess(
            address="127.0.0.1", port=port, user="root", password=password, become=False
        ),
        hostname="edge-0",
        variables={},
        on_event=lambda _: None,
        should_cancel=lambda: False,
        timeout_seconds=200,
    )
    if password == PASSWORD:
        assert result.status == "successful", result
    else:
        assert result.status == "unreachable", result
        # ssh ends at the refusal, or while more is sent to it: whichever is seen first.
        refused = ("Permission denied", "Data could not be sent")
        assert any(words in str(result.message) for words in refused), result
        assert not isinstance(result.error, RunFailed)
