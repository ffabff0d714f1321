# SPDX-License-Identifier: Apache-2.0
"""A deployment with a secret in every place that takes one, and real neighbours that want
them: PostgreSQL, RabbitMQ, SSH and sudo, boards, a Kubernetes, FM and sysinv.

To be made in namespaces of its own (`program.py`): it puts passwords into /etc/shadow.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import bcrypt
import psycopg
import requests

from hummingbird.domain.provisioning import KEY_VARIABLE
from hummingbird.secretbox import SecretBox
from tests.attack.secrets.forms import Sought
from tests.attack.secrets.watch import Watch, environment, executions, traced
from tests.fakes import board_service
from tests.fakes.board_service import IpmiService, RedfishService
from tests.fakes.fm import FakeFm
from tests.fakes.hostile_host import HostileHost
from tests.fakes.kubernetes_api import KubernetesApi
from tests.fakes.sysinv import FakeSysinv
from tests.free_port import free_port
from tests.postgresql_server import MIGRATED, PostgresqlServer

HOST: Final = "edge-0"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - a network namespace of our own
ROOT: Final = Path(__file__).resolve().parents[3]

HOMES: Final = {
    r"/state/token$": ("API token",),
    r"/state/secret\.key$": ("sealing key",),
    r"/state/gateway\.key$": ("gateways' secret",),
    r"/state/pki/ca\.pem$": ("authority's private key", "a private key"),
    r"/state/pki/(api|gateway)\.pem$": ("private keys of our servers", "a private key"),
    r"/state/runs/run-[^/]+/": (
        "SSH password",
        "password for sudo",
        "SSH private key",
        "node's private key",
        "a private key",
    ),
    r"/operator/": ("*",),
}
"""Where a secret may stand in clear, of mode 0600, while the deployment runs. What stands in
`operator` is the operator's own: the configuration, what he exported, scripts for hosts."""


SHORT: Final = f"""
- name: provision
  hosts: all
  gather_facts: false
  tasks:
    - name: look
      ansible.builtin.command: {{argv: ["true"]}}
    - name: key
      ansible.builtin.copy:
        content: "{{{{ {KEY_VARIABLE} }}}}"
        dest: /etc/kubernetes/key
        mode: "0600"
      no_log: true
"""
"""A playbook that is given what provision.yml is, and does less."""


def made(*, most: int = 64) -> str:
    """Return a new secret in which every quoting has something to do."""
    return f"k'\"\\ %@:/{uuid4().hex}"[:most]


class World:
    """All of it."""

    def __init__(self, folder: Path, *, broker_url: str, thorough: bool) -> None:
        """
        :param folder: on a file system of its own.
        :param thorough: whether hosts are provisioned by the whole playbook, and not by a
            few of its tasks.
        :param broker_url: with the broker's password.
        """
        self.folder = folder
        self.state = folder / "state"
        self.operator = folder / "operator"
        self.neighbours = folder / "neighbours"
        for each in (self.operator, self.neighbours):
            each.mkdir(mode=0o700)
        self.sought = Sought()
        self.secrets: dict[str, str] = {}
        self.watch = Watch(
            self.sought,
            [self.state, self.operator, Path("/tmp"), Path("/dev/shm"), Path("/run")],
            homes=HOMES,
        )
        self._ends: list[Any] = []
        self._session = requests.Session()
        self._broker_url = broker_url
        self._playbooks = ROOT / "playbooks"
        if not thorough:
            self._playbooks = folder / "playbooks"
            shutil.copytree(ROOT / "playbooks", self._playbooks)
            (self._playbooks / "provision.yml").write_text(SHORT)
        self.sought.add("broker's password", urlsplit(broker_url).password or "")
        self._start_neighbours()
        self.log = folder / "log"
        self.trace = folder / "trace"
        self.ports = {name: free_port() for name in ("api", "fm", "gateway", "metrics")}
        self.config = self.operator / "hummingbird.conf"
        self.write_config(self.config)
        self.process: subprocess.Popen[bytes] | None = None

    def make(self, name: str, *, most: int = 64) -> str:
        """Return a new secret of this name, which is sought from now on."""
        self.secrets[name] = made(most=most)
        # What makes it unique survives most quotings.
        self.sought.add(name, self.secrets[name])
        self.sought.add(name, self.secrets[name][9:])
        return self.secrets[name]

    # -- neighbours ---------------------------------------------------------------

    def _start_neighbours(self) -> None:
        self.postgresql = PostgresqlServer()
        self._ends.append(self.postgresql.stop)
        self.postgresql.make_migrated()
        self._give_passwords()
        self.host = HostileHost(self.neighbours / "host")
        self._shadow(self.make("SSH password"))
        self.host.sudo = {"password": self.make("password for sudo"), "repeats": True}
        self.host.start(by_password=True, listens=EVERYWHERE)
        self._ends.append(self.host.stop)
        self.kubernetes = KubernetesApi(
            self.neighbours, token=self.make("account of Kubernetes")[9:], node=HOST
        )
        self._ends.append(self.kubernetes.stop)
        self.fm = FakeFm()
        self.fm.token = self.make("FM's token")[9:]
        self._ends.append(self.fm.stop)
        self.sysinv = FakeSysinv()
        self._ends.append(self.sysinv.stop)
        # IPMI takes no more than 20 characters.
        board_service.PASSWORD = self.make("board's password")[9:25]
        self.redfish = RedfishService(self.neighbours / "redfish", listens=EVERYWHERE)
        self._ends.append(self.redfish.stop)
        self.ipmi = IpmiService(self.neighbours / "ipmi", listens="198.18.0.201")
        self._ends.append(self.ipmi.stop)
        self.sought.add("board's password", board_service.PASSWORD)

    def _give_passwords(self) -> None:
        """Have PostgreSQL ask for one."""
        data = Path(self.postgresql.socket).parent
        with psycopg.connect(
            host=str(data), user="hummingbird", dbname="postgres", autocommit=True
        ) as connection:
            password = self.make("database's password")
            text = psycopg.sql.SQL("CREATE ROLE canary SUPERUSER LOGIN PASSWORD {}")
            connection.execute(text.format(psycopg.sql.Literal(password)))
            (data / "data" / "pg_hba.conf").write_text(
                "local all canary scram-sha-256\nlocal all all trust\n"
            )
            connection.execute("SELECT pg_reload_conf()")
        self.database_folder = data

    def _shadow(self, password: str) -> None:
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        shadow = self.neighbours / "shadow"
        shadow.write_text(f"edge:{hashed}:19000:0:99999:7:::\nsshd:!:19000::::::\n")
        shadow.chmod(0o600)
        users = self.neighbours / "passwd"
        # Ansible asks no sudo where a user is root by name.
        root = "edge:x:0:0::/root:/bin/sh\n"
        users.write_text(Path("/etc/passwd").read_text() + root)
        for file in (shadow, users):
            subprocess.run(["mount", "--bind", file, f"/etc/{file.name}"], check=True)

    def database_url(self, password: str | None = None) -> str:
        """Return the database's URL, with the right password or another."""
        word = quote(password or self.secrets["database's password"], safe="")
        return f"postgresql+psycopg://canary:{word}@/{MIGRATED}?host={self.database_folder}"

    def hub_keys(self) -> list[str]:
        """Return the hub's private key, once there is one."""
        box = SecretBox((self.state / "secret.key").read_bytes())
        return [box.open(sealed) for sealed, _ in self._hub()]

    def public_keys(self) -> set[str]:
        """Return the keys of WireGuard that are no secret."""
        with self._look() as connection:
            claims = connection.execute("SELECT claim_key FROM tunnel").fetchall()
        return {public for _, public in self._hub()} | {str(one) for (one,) in claims}

    def _hub(self) -> list[tuple[str, str]]:
        with self._look() as connection:
            rows = connection.execute("SELECT private_key_sealed, public_key FROM hub")
            return [(str(sealed), str(public)) for sealed, public in rows.fetchall()]

    def _look(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(
            host=str(self.database_folder), user="hummingbird", dbname=MIGRATED
        )

    def dump(self) -> bytes:
        """Return all of the database, as text."""
        done = subprocess.run(
            ["pg_dump", "-h", str(self.database_folder), "-U", "hummingbird", MIGRATED],
            capture_output=True,
            check=True,
        )
        return done.stdout

    # -- the program --------------------------------------------------------------

    def write_config(self, path: Path, **changed: str) -> None:
        """Write a configuration, with other values for some `group__option`."""
        token_file = self.operator / "fm-token"
        token_file.touch(mode=0o600)
        token_file.write_text(self.fm.token)
        helm = self.neighbours / "helm"
        helm.write_text("#!/bin/sh\necho 'Error: no cluster' >&2\nexit 1\n")
        helm.chmod(0o755)
        values = {
            "DEFAULT__state_directory": str(self.state),
            "DEFAULT__debug": "true",
            "api__port": str(self.ports["api"]),
            "api__fm_port": str(self.ports["fm"]),
            "api__audit_file": str(self.folder / "audit.json"),
            "agents__tag": "1",
            "bmc__redfish_port": str(self.redfish.port),
            "bmc__ipmi_port": str(self.ipmi.port),
            "bmc__ipmi_cipher_suite": "3",
            "bmc__timeout_seconds": "10",
            "conductor__workers": "4",
            "database__url": self.database_url(),
            "fm__url": self.fm.url,
            "fm__token_file": str(token_file),
            "fm__retry_seconds": "0.2",
            "gateway__bind": "127.0.0.1",
            "gateway__advertise": "127.0.0.1",
            "gateway__port": str(self.ports["gateway"]),
            "kubernetes__kubeconfig": str(
                self.kubernetes.kubeconfig(self.operator / "kubeconfig")
            ),
            "kubernetes__api_endpoint": "192.0.2.2:6443",
            "kubernetes__helm": str(helm),
            "metrics__port": str(self.ports["metrics"]),
            "network__mn_cidr": "198.18.0.0/24",
            "provisioning__playbooks": str(self._playbooks),
            "provisioning__connect_timeout_seconds": "20",
            "provisioning__ready_timeout_seconds": "5",
            "recovery__enabled": "false",
            "rpc__transport_url": self._broker_url,
            "sysinv__upstream": self.sysinv.url,
            "tunnel__hub_endpoint": "127.0.0.1:51820",
            **changed,
        }
        groups: dict[str, list[str]] = {}
        for name, value in values.items():
            group, _, option = name.partition("__")
            groups.setdefault(group, []).append(f"{option} = {value}")
        text = "".join(
            f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items()
        )
        path.touch(mode=0o600)
        path.write_text(text)

    def start(self) -> None:
        """Start it, and look for what it made."""
        self.watch.start()
        words = [sys.executable, "-m", "hummingbird.cmd.up"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                traced([*words, "--config-file", str(self.config)], self.trace),
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(),
                cwd=ROOT,
            )
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            raise AssertionError(self.log.read_text()[-4000:])
        for name, file in (
            ("API token", "token"),
            ("sealing key", "secret.key"),
            ("gateways' secret", "gateway.key"),
            ("authority's private key", "pki/ca.pem"),
            ("private keys of our servers", "pki/api.pem"),
            ("private keys of our servers", "pki/gateway.pem"),
        ):
            data = (self.state / file).read_bytes()
            key = (
                data[data.find(b"-----BEGIN PRIVATE") :]
                if b"PRIVATE KEY" in data
                else data
            )
            self.sought.add(name, key.strip() if b"BEGIN" in key else data)

    def end(self) -> None:
        """End the program in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def close(self) -> None:
        """End the neighbours."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in reversed(self._ends):
            with contextlib.suppress(OSError):
                end()

    # -- the API ------------------------------------------------------------------

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        """Ask the API as its administrator; what it answers is looked through."""
        answer = self._session.request(
            method,
            f"https://127.0.0.1:{self.ports['api']}{path}",
            json=body,
            headers={"X-Auth-Token": (self.state / "token").read_text(), **headers},
            verify=str(self.state / "pki" / "ca.crt"),
            timeout=60,
        )
        heads = json.dumps(dict(answer.headers)).encode()
        self.watch.read(f"the answer to {method} {path}", heads + answer.content)
        return answer

    def add(self, path: str, body: dict[str, Any]) -> None:
        """Add something."""
        answer = self.ask("POST", path, body)
        assert answer.status_code < 300, answer.text

    def change(self, host: str, **values: object) -> requests.Response:
        """Change a host."""
        patch = [
            {"op": "replace", "path": f"/{name}", "value": value}
            for name, value in values.items()
        ]
        return self.ask("PATCH", f"/v1/ihosts/{host}", patch)

    def await_runs(self, *hosts: str) -> dict[str, str]:
        """Wait for the last run of each host; return how they ended."""
        deadline = time.monotonic() + 600
        ended: dict[str, str] = {}
        while len(ended) < len(hosts):
            assert time.monotonic() < deadline, ended
            for host in set(hosts) - set(ended):
                run = self.ask("GET", f"/v1/runs/{host}").json()
                if run["state"] not in ("queued", "running"):
                    ended[host] = f"{run['state']}: {run.get('error')}"
            time.sleep(0.2)
        return ended

    def started(self) -> int:
        """Look through what every program was started with; return how many there were."""
        lines = [
            line for trace in self.folder.glob("trace*") for line in executions(trace)
        ]
        for line in lines:
            words = line.partition(b"(")[2][:80].decode(errors="replace")
            self.watch.read(f"the start of {words}", line)
        return len(lines)


def unlimited_cores() -> list[str]:
    """Return the processes of ours that may leave their memory in a file."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            limits = Path(f"/proc/{number}/limits").read_text()
            line = next(one for one in limits.splitlines() if "core file" in one)
            if any(b"hummingbird.cmd." in word for word in words) and " 0 " not in line:
                found.append(f"{b' '.join(words)[:80].decode()}: {line}")
    return found
