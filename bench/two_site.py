# SPDX-License-Identifier: Apache-2.0
"""Two controllers as they are deployed, and hosts, all in network namespaces of their own.

Each controller has an API, a conductor and a gateway, each of them a process of its own with
its own path to one PostgreSQL; RabbitMQ is one. Controllers and hosts hang on one bridge,
from which a controller can be taken without its knowing. Nothing of it outlives the process.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import requests
import urllib3
from two_cluster import Server
from two_host import Host

from hummingbird.domain.provisioning import UUID_VARIABLE
from tests.fakes.tcp_proxy import TcpProxy
from tests.functional.rpc.conftest import Broker
from tests.postgresql_server import PostgresqlServer

NETWORK: Final = "10.77.0"
PERIOD_SECONDS: Final = 5.0
LEASE_SECONDS: Final = 30.0
ROLES: Final = ("gateway", "conductor", "api")
DATABASE: Final = "hummingbird"
TOKEN_HEADER: Final = "X-Auth-Token"  # noqa: S105
READY_SECONDS: Final = 600.0

_CLONE_NEWNET: Final = 0x40000000
_HERE: Final = Path(__file__).resolve().parent

urllib3.disable_warnings()


def run(*argv: str) -> None:
    """Run a command.

    :raises subprocess.CalledProcessError: it failed.
    """
    subprocess.run(argv, check=True, capture_output=True)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a network namespace with this thread: sockets made there stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(here, _CLONE_NEWNET)
        os.close(here)
        os.close(there)


class Network:
    """A bridge, and namespaces that hang on it."""

    def __init__(self) -> None:
        # The names of namespaces are files; these are ours alone.
        Path("/run/netns").mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "address", "add", f"{NETWORK}.1/24", "dev", "br0")
        run("ip", "link", "set", "br0", "up")

    def add(self, name: str, addresses: Sequence[str]) -> None:
        """Make a namespace with these addresses."""
        run("ip", "netns", "add", name)
        end = ("type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "add", f"v-{name}", *end)
        run("ip", "link", "set", f"v-{name}", "master", "br0", "up")
        of = ("ip", "-n", name)
        run(*of, "link", "set", "lo", "up")
        run(*of, "link", "set", "eth0", "up")
        for address in addresses:
            run(*of, "address", "add", f"{address}/24", "dev", "eth0")

    def connect(self, name: str, *, whole: bool) -> None:
        """Have frames of a namespace go through, or vanish; its link stays up."""
        state = "3" if whole else "0"
        run("bridge", "link", "set", "dev", f"v-{name}", "state", state)


class Process:
    """One process of the product."""

    def __init__(self, role: str, controller: "Controller", proxy: TcpProxy) -> None:
        self.role = role
        self.name = f"{role}-{controller.number}"
        self.controller = controller
        self.proxy = proxy
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = False

    def start(self) -> None:
        """Start it."""
        self._is_wanted = True
        site = self.controller.site
        argv = ["nsenter", f"--net=/run/netns/{self.controller.namespace}"]
        argv += [sys.executable, str(_HERE / "two_program.py"), str(site.socket)]
        argv += [self.role, "--config-file", str(self.controller.settings(self))]
        with (site.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """End it by a signal; `revive` starts it again."""
        self._is_wanted = False
        self.send(number)

    def revive(self) -> None:
        """Do what a supervisor does: start it where it has ended."""
        if self._process is None:
            return
        if not self._is_wanted:
            self._process.wait(90)
        if self._process.poll() is not None:
            self.start()

    def watch(self) -> bool:
        """Start it again where it ended by itself; return whether it had."""
        if not self._is_wanted or self._process is None:
            return False
        if self._process.poll() is None:
            return False
        self.start()
        return True


class Controller:
    """One controller with its three processes."""

    def __init__(self, site: "Site", number: int) -> None:
        self.site = site
        self.number = number
        self.namespace = f"c{number}"
        self.address = f"{NETWORK}.{10 + number}"
        self.state = site.folder / self.namespace
        self.state.mkdir(mode=0o700)
        site.network.add(self.namespace, [self.address])
        self._broker = self._proxy(("127.0.0.1", site.broker.port))
        self.processes = {
            role: Process(role, self, self._proxy(site.postgresql.socket))
            for role in ROLES
        }

    def _proxy(self, target: tuple[str, int] | str) -> TcpProxy:
        """Return a path from this controller's own loopback to what is on ours."""
        with inside(self.namespace):
            listener = socket.create_server(("127.0.0.1", 0))
        return TcpProxy(target, listener=listener)

    def settings(self, process: Process) -> Path:
        """Write and return the configuration file of a process."""
        site = self.site
        others = ",".join(one.address for one in site.controllers)
        path = self.state / f"{process.role}.conf"
        path.write_text(
            f"""[DEFAULT]
state_directory = {self.state}
controller_name = controller-{self.number}
[database]
url = {site.postgresql.url_by(process.proxy.port, DATABASE)}
[rpc]
transport_url = rabbit://guest:guest@127.0.0.1:{self._broker.port}/
[api]
bind = {self.address}
fm_port = 0
[gateway]
bind = {self.address}
advertise = {others}
period_seconds = {PERIOD_SECONDS}
[conductor]
lease_seconds = {LEASE_SECONDS}
[network]
mn_cidr = {NETWORK}.0/24
[provisioning]
playbooks = {site.folder / "playbooks"}
ready_timeout_seconds = 120
[agents]
registry = registry.example/hummingbird
tag = two
"""
        )
        return path

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Ask this controller's API; return the answer.

        :raises requests.RequestException: there is none.
        """
        token = (self.state / "token").read_text().strip()
        return requests.request(
            method,
            f"https://{self.address}:6385/v1/{path}",
            json=body,
            headers={TOKEN_HEADER: token},
            verify=False,  # noqa: S501 - both ends are ours, in one namespace
            timeout=more.pop("timeout", 30),
            **more,
        )


class Site:
    """All of it."""

    def __init__(self, folder: Path, *, hosts: int) -> None:
        self.folder = folder
        self.socket = folder / "kubernetes.sock"
        self.names = [f"edge-{number}" for number in range(hosts)]
        self.addresses = {
            name: f"{NETWORK}.{101 + number}" for number, name in enumerate(self.names)
        }
        self._stopping = threading.Event()
        self.network = Network()
        self.kubernetes = Server(self.socket)
        self.postgresql = PostgresqlServer()
        self.postgresql.create_named(DATABASE)
        (folder / "broker").mkdir()
        self.broker = Broker(folder / "broker")
        self.broker.start()
        self.controllers: list[Controller] = []
        self.controllers += [Controller(self, number) for number in (0, 1)]
        self._hosts = self._start_hosts()

    @property
    def processes(self) -> list[Process]:
        """All processes of the product."""
        return [one for c in self.controllers for one in c.processes.values()]

    def host(self, name: str) -> Host:
        """Return a host's files."""
        return Host(self.folder / "hosts", self.addresses[name])

    def start(self) -> None:
        """Start the product; return when both APIs answer."""
        first, second = self.controllers
        first.processes["api"].start()
        self._await(first)
        # As doc/operating.md says: the key of the deployment goes by hand.
        for name in ("secret.key", "token"):
            if (first.state / name).exists():
                shutil.copy(first.state / name, second.state / name)
        for process in self.processes:
            if process is not first.processes["api"]:
                process.start()
        self._await(second)

    def stop(self) -> None:
        """End what is ours; the process namespace ends the rest."""
        self._stopping.set()
        for process in self.processes:
            with contextlib.suppress(AssertionError, ProcessLookupError):
                process.send(signal.SIGCONT)
                process.end(signal.SIGKILL)
        self._hosts.kill()
        self.kubernetes.stop()
        self.broker.end()
        self.postgresql.stop()

    def _await(self, controller: Controller) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(requests.RequestException, OSError):
                if controller.call("GET", "health", timeout=3).status_code == 200:
                    return
            if time.monotonic() > deadline:
                raise SystemExit(f"{controller.namespace} does not come up")
            time.sleep(0.5)

    def _start_hosts(self) -> "subprocess.Popen[bytes]":
        self.network.add("hosts", list(self.addresses.values()))
        for name in self.names:
            (self.host(name).folder / "name").write_text(name)
        for name in ("client", "host"):
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"]
            run(*argv, str(self.folder / name))
        write_playbooks(self.folder, self.socket)
        argv = ["nsenter", "--net=/run/netns/hosts", sys.executable]
        argv += [str(_HERE / "two_hosts.py"), str(self.folder), str(self.socket)]
        with (self.folder / "hosts.log").open("ab") as log:
            return subprocess.Popen(
                [*argv, *self.addresses.values()], stdout=log, stderr=log
            )


def write_playbooks(folder: Path, socket_path: Path) -> None:
    """Write playbooks with the plays' names and tags that the product asks for, which do
    on a host what two_host.py says."""
    source = _HERE.parent / "playbooks"
    target = folder / "playbooks"
    target.mkdir()
    shutil.copy(source / "ansible.cfg", target)

    def play(name: str, *commands: str, never: bool = False, tell: str = "") -> str:
        tags = f"never, {name}" if never else name
        lines = [f"- name: {name}", "  hosts: all", "  gather_facts: false"]
        lines += [f"  tags: [{tags}]", "  tasks:"]
        for number, command in enumerate(commands):
            argv = [sys.executable, str(_HERE / "two_host.py"), str(folder / "hosts")]
            words = ", ".join(f'"{word}"' for word in (*argv, *command.split()))
            lines += [
                f"    - name: {name} {number}",
                f"      ansible.builtin.command: {{argv: [{words}]}}",
                "      register: done",
            ]
        if tell:
            lines += ["    - name: tell", "      ansible.builtin.set_stats:"]
            lines += [f"        data: {tell}"]
        return "\n".join(lines) + "\n"

    steps = ("node_config", "container_runtime")
    provision = "".join(play(name, f"step {name} 2") for name in steps)
    provision += play("kubernetes_node", f"join {socket_path} {{{{{UUID_VARIABLE}}}}}")
    provision += play("images", "step images 2") + play("agents", "step agents 1")
    told = '{boot_id: "{{ done.stdout }}", boot_stopping: "no"}'
    recover = play("boot_look", "boot_id", never=True, tell=told)
    recover += play("restart_services", "step restart_services 1", never=True)
    for kind in ("reboot", "reset", "power_off"):
        recover += play(kind, f"boot {kind}", f"step {kind} 6", never=True)
    texts = {
        "provision": provision,
        "recover": recover,
        "retire": play("undo", "step undo 1"),
        "verify": play("verify", "step verify 0"),
        "tunnel": play("offer", "step offer 0") + play("switch", "step switch 0"),
        "vxlan": play("vxlan", "step vxlan 0"),
        "trace": play("trace", "step trace 0"),
    }
    for name, text in texts.items():
        (target / f"{name}.yml").write_text(text)
