# SPDX-License-Identifier: Apache-2.0
"""A host in an attacker's hands: a real SSH server whose every answer is a lie.

It takes any command and any module, runs nothing of them, and answers what it was given:
honestly by default (`HONEST` leads through every task of our playbooks), with an attacker's
text in the place of any of it (`poisoned`), or by floods, drips and silence. All that it is
sent is kept (`heard`), so that a test can see what an attacker would have.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from hummingbird.adapters.ansible.playbook import HostAccess
from hummingbird.adapters.ssh.probe import probe
from tests.free_port import free_port

FOLDERS = ("heard", "tmp", "calls")
"""All that it was sent, the files among it, and how often each module was called."""

SHELL = Path(__file__).with_name("hostile_shell.py")

Answer = Mapping[str, Any]
"""What is said, by its way: `json` (a module's result), `text` and `error` (standard output
and error, latin-1), `status` (the exit status), `flood` (that many bytes of the text `with`,
to descriptor `to`), `drip` (a text again and again, without end), `wait` (nothing, for an hour)."""

CONTAINERD = "io.containerd.grpc.v1 cri linux/amd64 ok"

HONEST: dict[str, Any] = {
    "apt": {"changed": True},
    "command": {"changed": True, "rc": 0, "stdout": CONTAINERD, "stderr": ""},
    "copy": {"changed": True},
    "file": {"changed": True},
    "find": {"changed": False, "files": [{"path": "/sbin/shutdown"}]},
    "host_baseline": {
        "changed": True,
        "ansible_facts": {"os_family": "Debian", "hummingbird_packages": {"a": "1"}},
        "sysctls_first": {"net/ipv6/conf/eth0/accept_ra": "2"},
        "sysctls_to_apply": {"net.ipv4.ip_forward": "1"},
        "modules_to_load": ["overlay"],
        "package_source_unread": True,
        "notes": ["Swap is on."],
    },
    "host_undo": {
        "changed": True,
        "tracked": True,
        "purge": ["kubelet"],
        "staying": ["runc"],
        "os_family": "Debian",
        "runtime_stays": False,
        "was_node": False,
        "has_kubeadm": True,
        "units": ["kubelet.service", "containerd.service"],
        "refused": ["vm.overcommit_memory: no"],
    },
    "kubeadm_join": {"changed": True, "stdout": "joined"},
    "kubelet_state": {
        "changed": False,
        "state": "joined",
        "healthy": True,
        "active": True,
    },
    "path_look": {"changed": False, "reached": [True, False]},
    "setup": {
        "changed": False,
        "ansible_facts": {
            "ansible_distribution": "Debian",
            "ansible_distribution_version": "12",
            "ansible_os_family": "Debian",
            "ansible_pkg_mgr": "apt",
        },
    },
    "stat": {"changed": False, "stat": {"exists": False}},
    "systemd_service": {"changed": True, "status": {}},
    "tracked_files": {
        "changed": True,
        "written": ["/etc/apt/sources.list.d/hummingbird.sources"],
        "removed": [],
        "restart_needed": True,
        "runs": False,
        "reload_needed": True,
    },
    "tracked_packages": {"changed": True, "added": ["kubelet"]},
    "tunnel_host": {
        "changed": True,
        "lacks": ["wireguard-tools"],
        "machine": "x86_64",
        "public_key": "",
    },
}
"""What each module of our playbooks answers on a host that has everything to be done."""

CLOSED = frozenset({"os_family", "machine", "state", "ansible_distribution"})
"""Words without which a run is over at once; `poisoned` leaves them, tests take each."""


def poisoned(answer: object, texts: Sequence[str]) -> Any:
    """Return an answer with the attacker's `texts` in the place of every other text, as
    values and as names."""
    supply = cycle(texts)

    def change(value: object, name: str = "") -> object:
        if isinstance(value, str) and name not in CLOSED:
            return next(supply)
        if isinstance(value, list):
            return [change(each) for each in value] + list(texts)
        if isinstance(value, dict):
            changed = {key: change(each, key) for key, each in value.items()}
            return {**changed, next(supply): next(supply)}
        return value

    return change(answer)


class HostileHost:
    """One such host. `start` it, say what it answers, and look at what it `heard`."""

    def __init__(self, folder: Path) -> None:
        """:param folder: one of its own; the host writes nowhere else."""
        self.folder = folder
        self.port = free_port()
        self.modules: dict[str, Answer | Sequence[Answer]] = {}
        self.commands: dict[str, Answer] = {}
        self.other: Answer = {}
        self.sudo: dict[str, object] = {}
        """The `password` that sudo takes, and whether it `repeats` what it is told."""
        self._process: subprocess.Popen[bytes] | None = None
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        for name in ("client", "host"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
                check=True,
            )
        self.be_honest()

    def be_honest(self) -> None:
        """Answer all as a host with everything to be done would; forget what was heard."""
        self.modules = {name: {"json": answer} for name, answer in HONEST.items()}
        self.commands = {
            "echo ~": {"text": f"{self.folder}/tmp\n"},
            "boot_id": {"text": "one and the same\n"},
        }
        self.other = {}
        for name in FOLDERS:
            shutil.rmtree(self.folder / name)
            (self.folder / name).mkdir()

    def be_poisoned(self, texts: Sequence[str]) -> None:
        """Have one of `texts` in the place of every text of every answer but CLOSED."""
        self.modules = {
            name: {"json": poisoned(answer, texts)} for name, answer in HONEST.items()
        }

    def say(self, module: str, **changed: object) -> None:
        """Have a module answer honestly, but for these entries of its result."""
        self.modules[module] = {"json": {**HONEST[module], **changed}}

    @property
    def access(self) -> HostAccess:
        """How the controller gets in."""
        return HostAccess(
            address="127.0.0.1",
            port=self.port,
            user=os.environ.get("USER", "root"),
            private_key=(self.folder / "client").read_text(),
            become=False,
        )

    def ready(self) -> None:
        """Write down what is answered from now on."""
        answers = {"modules": self.modules, "commands": self.commands}
        (self.folder / "answers.json").write_text(
            json.dumps({**answers, "other": self.other, "sudo": self.sudo})
        )

    def heard(self) -> bytes:
        """Return all that it was sent: commands, modules with their arguments, files."""
        paths = [*(self.folder / "heard").iterdir(), *(self.folder / "tmp").rglob("*")]
        return b"\n".join(path.read_bytes() for path in paths if path.is_file())

    def has(self, secret: str) -> bool:
        """Say whether the host was sent `secret` (16 characters or more), as it is or in
        base64."""
        heard, plain = self.heard(), secret.encode()
        forms = [plain]
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + plain)
            # but for its ends, which are mixed with what stands beside it
            forms.append(coded[4:-4])
        return any(form in heard for form in forms)

    def start(self, *, by_password: bool = False, listens: str = "127.0.0.1") -> None:
        """Open it.

        :param by_password: whether it takes passwords of /etc/shadow beside its key.
        :param listens: the address, an IPv4 one.
        :raises AssertionError: there is no sshd, or it does not come up within a minute.
        """
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress {listens}\nHostKey {self.folder}/host\n"
            "PidFile none\nUsePAM no\nStrictModes no\n"
            f"PasswordAuthentication {'yes' if by_password else 'no'}\n"
            f"AuthorizedKeysFile {self.folder}/client.pub\nPermitRootLogin yes\n"
            f"ForceCommand {sys.executable} -I -S {SHELL} {self.folder}\n"
            "Subsystem sftp /usr/lib/openssh/sftp-server\nMaxSessions 100\n"
        )
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
        assert sshd, "these tests need an SSH server: apt-get install openssh-server"
        argv = [sshd, "-D", "-e", "-f", str(config)]
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
            drop = "--bounding-set=-sys_time,-sys_module,-sys_rawio"
            argv = ["setpriv", drop, *argv]
        self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not probe("127.0.0.1", port=self.port, timeout_seconds=1):
            assert time.monotonic() < deadline, "the SSH server did not come up"

    def stop(self) -> None:
        """Close it; what its sessions still do ends with their clients."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None
