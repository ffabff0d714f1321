# SPDX-License-Identifier: Apache-2.0
"""Hummingbird inside a lab: its configuration there, its processes, its command line.

The demo, the benches and the tests that need the whole product use this one class, so
that there is one place that knows how the product is set up for the lab.  The product
runs as anybody would run it: its own programs, in the controller's network, with a
configuration file and a state directory; nothing of it is imported here.
"""

import configparser
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hummingbird_lab import account, agent_image, inventory, service
from hummingbird_lab.control_plane import API_PORT as KUBERNETES_PORT
from hummingbird_lab.errors import LabError
from hummingbird_lab.inside import InsideProcess
from hummingbird_lab.lab import Lab

Settings = Mapping[str, Mapping[str, object]]
"""Group -> option -> value, as in the configuration file."""

API_PORT = 6385
REGISTRY_NAME = "registry.lab"
"""As it stands in the agents' image names. No DNS knows it: hosts are told where it is, at
an address that they can speak to."""
_MIRRORED = ("registry.k8s.io", "docker.io")


def settings(
    lab: Lab, *, state: Path, kubeconfig: Path
) -> dict[str, dict[str, object]]:
    """Return what the product must be told about a lab, by group and option.

    The lab's own limits are in here and nowhere else: its hosts are containers, so the
    kernel's check of kubeadm is a warning, out-of-memory scores can't be lowered and
    control groups aren't systemd's.
    """
    six = f"[{inventory.CONTROLLER_ADDRESS_6}]"
    mirrors = (f"https://{lab.registry}", f"https://{six}:{service.REGISTRY_PORT}")
    return {
        "DEFAULT": {"state_directory": state, "controller_name": "controller-0"},
        "api": {"bind": "127.0.0.1", "port": API_PORT},
        "kubernetes": {
            "kubeconfig": kubeconfig,
            "helm": lab.binaries / "helm",
            "api_endpoint": f"{inventory.CONTROLLER_ADDRESS}:{KUBERNETES_PORT},"
            f"{six}:{KUBERNETES_PORT}",
        },
        "network": {"mn_cidr": "192.168.204.0/24,fd00:204::/64"},
        "tunnel": {
            "hub_endpoint": f"{inventory.CONTROLLER_WAN_ADDRESS}:51820,{six}:51820"
        },
        "agents": {
            "registry": f"{REGISTRY_NAME}/hummingbird",
            "digests": ",".join(
                f"{agent}:{digest}" for agent, digest in agent_image.digests().items()
            ),
        },
        "provisioning": {
            "package_repository_url": f"{lab.apt_url},http://{six}:{service.APT_PORT}",
            "package_repository_key_file": lab.apt_key,
            "package_repository_suite": "./",
            "registry_mirrors": ",".join(
                f"{name}={mirror}"
                for name in (*_MIRRORED, REGISTRY_NAME)
                for mirror in mirrors
            ),
            "registry_ca_file": lab.registry_ca,
            "ignore_preflight_errors": "SystemVerification",
            "systemd_cgroup": False,
            "restrict_oom_score_adj": True,
        },
    }


class Product:
    """Hummingbird in the controller's network of a lab.

    As a context manager it is stopped at the end.  `changes` go over the settings that
    the lab needs.
    """

    def __init__(
        self,
        lab: Lab,
        directory: Path | None = None,
        *,
        changes: Settings | None = None,
    ) -> None:
        self.lab = lab
        self.directory = (directory or lab.folder / "product").absolute()
        self.state = self.directory / "state"
        self.config = self.directory / "hummingbird.conf"
        self.url = f"https://127.0.0.1:{API_PORT}"
        self.processes: dict[str, InsideProcess] = {}
        self._changes = changes or {}
        self._asker: InsideProcess | None = None
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.close()

    def write_config(self) -> Path:
        """Write the configuration file for this lab; return its path."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.mkdir(mode=0o700, exist_ok=True)
        file = configparser.RawConfigParser(default_section="")
        kubeconfig = account.make(self.lab, self.directory / "kubeconfig")
        needed = settings(self.lab, state=self.state, kubeconfig=kubeconfig)
        for part in (needed, self._changes):
            for group, values in part.items():
                if not file.has_section(group):
                    file.add_section(group)
                for name, value in values.items():
                    file.set(group, name, str(value))
        with self.config.open("w") as stream:
            file.write(stream)
        return self.config

    def program(self, name: str = "hummingbird") -> str:
        """Return the path of one of the product's programs."""
        path = Path(sys.executable).parent / name
        if not path.exists():
            raise LabError(f"{path} is missing: pip install -e . puts it there")
        return str(path)

    def environment(self) -> dict[str, str]:
        """Return what the product's programs find in their environment."""
        return self.lab.environment() | {
            "HUMMINGBIRD_STATE": str(self.state),
            "PYTHONUNBUFFERED": "1",
        }

    def log(self, name: str = "up") -> Path:
        """Return the file with the output of one of the processes."""
        return self.directory / f"{name}.log"

    def start(self, *names: str, timeout_s: float = 60.0) -> None:
        """Start processes and return when they are ready.

        :param names: of "up" (the default: all in one), "api", "conductor", "gateway".
        :raises LabError: one ended, or the API was not ready within `timeout_s`
            seconds.  The text has the end of its log.
        """
        self.write_config()
        for name in names or ("up",):
            self._launch(name)
        if {"up", "api"} & self.processes.keys():
            self.wait_until_ready(timeout_s=timeout_s)

    def _launch(self, name: str) -> None:
        all_in_one = [self.program(), "up"]
        argv = all_in_one if name == "up" else [self.program(f"hummingbird-{name}")]
        argv += ["--config-file", str(self.config)]
        with self.log(name).open("ab") as log:
            self.processes[name] = InsideProcess(
                self.lab.inside(inventory.CONTROLLER, argv, folder=self.directory),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    def wait_until_ready(self, *, timeout_s: float = 60.0) -> None:
        """Return when the API says that it is ready.

        :raises LabError: a process ended first, or time is up.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._check_processes()
            answer = self.request("GET", "/v1/health", timeout_s=2.0)
            if answer["status"] == 200 and answer["body"].get("ready"):
                return
            time.sleep(0.1)
        raise LabError(f"not ready within {timeout_s:g} s; {self._said()}")

    def _check_processes(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise LabError(
                    f"{name} ended with status {process.returncode}; {self._said(name)}"
                )

    def _said(self, name: str | None = None) -> str:
        logs = [self.log(one) for one in ([name] if name else self.processes)]
        return "\n".join(
            f"{log}:\n{log.read_text(errors='replace')[-3000:]}" for log in logs
        )

    def inner_pid(self, name: str = "up") -> int | None:
        """Return the id, as seen from outside, of a process; None when it has ended."""
        process = self.processes.get(name)
        return process.inner_pid if process else None

    def kill(self, *names: str) -> None:
        """End processes (default: all) with SIGKILL, as a power failure would."""
        self._end(signal.SIGKILL, names, timeout_s=10.0)

    def stop(self, *names: str, timeout_s: float = 30.0) -> None:
        """Ask processes (default: all) to end, and kill what has not after a while."""
        self._end(signal.SIGTERM, names, timeout_s=timeout_s)

    def _end(self, sig: int, names: Sequence[str], *, timeout_s: float) -> None:
        ending = {
            name: process
            for name, process in self.processes.items()
            if not names or name in names
        }
        for process in ending.values():
            if process.poll() is None:
                process.send_signal(sig)
        deadline = time.monotonic() + timeout_s
        for name, process in ending.items():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait(timeout=10.0)
            del self.processes[name]

    def cli(
        self,
        *args: str,
        check: bool = True,
        timeout_s: float = 600.0,
        input_text: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `hummingbird ARGS…` in the controller's network, to its end.

        :raises CommandFailed: it exited with an error and `check` is set.
        """
        return self.lab.exec(
            inventory.CONTROLLER,
            [self.program(), *args],
            env=self.environment(),
            check=check,
            timeout_s=timeout_s,
            input_text=input_text,
        )

    def cli_live(self, *args: str) -> int:
        """Run `hummingbird ARGS…` with this terminal as its own; return its status."""
        argv = self.lab.inside(inventory.CONTROLLER, [self.program(), *args])
        return subprocess.call(argv, env=self.environment(), stdin=subprocess.DEVNULL)

    def kubectl(
        self, *args: str, check: bool = True, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run `kubectl ARGS…` in the controller's network, to its end."""
        argv = [str(self.lab.binaries / "kubectl"), *args]
        return self.lab.exec(
            inventory.CONTROLLER, argv, check=check, timeout_s=timeout_s
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> dict[str, Any]:
        """Ask the API; return {"status", "body"}.  Status 0: nobody answered."""
        sent = dict(headers or {})
        token = self.state / "token"
        if "X-Auth-Token" not in sent and token.exists():
            sent["X-Auth-Token"] = token.read_text().strip()
        question = {
            "method": method,
            "ca_file": str(self.state / "pki" / "ca.crt"),
            "url": self.url + path,
            "body": body,
            "headers": sent,
            "timeout_s": timeout_s,
        }
        answer: dict[str, Any] = json.loads(self._answer(json.dumps(question)))
        return answer

    def _answer(self, question: str) -> str:
        """Return the answer to one line of request.py, from the one that stays there.

        To enter the lab and start an interpreter for each look costs more than the look;
        whoever waits for something looks ten times a second.
        """
        with self._asking:
            if self._asker is None or self._asker.poll() is not None:
                self._asker = self.lab.popen(
                    inventory.CONTROLLER,
                    [sys.executable, "-m", "hummingbird_lab.request"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            stdin, stdout = self._asker.stdin, self._asker.stdout
            assert stdin is not None and stdout is not None
            try:
                stdin.write(question + "\n")
                stdin.flush()
                answer = stdout.readline()
            except BrokenPipeError:
                answer = ""
        if not answer:
            raise LabError("what asks the API inside the lab has ended")
        return answer

    def close(self) -> None:
        """End what asks the API; the product's own processes go on."""
        with self._asking:
            asker, self._asker = self._asker, None
        if asker is not None:
            asker.communicate()

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API and return the parsed body of its answer.

        :raises LabError: the answer is an error, or nobody answered.
        """
        answer = self.request(method, path, body)
        if not 200 <= answer["status"] < 300:
            raise LabError(
                f"{method} {path}: status {answer['status']}: {answer['body']}"
            )
        return answer["body"]

    def add_credential(self, name: str = "default") -> None:
        """Tell the product how to get into the lab's hosts."""
        self.cli(
            *("credential-add", name, "--user", self.lab.ssh_user),
            *("--private-key", str(self.lab.ssh_key)),
        )

    def add_edge_network(self, name: str = "emn") -> None:
        """Tell the product of the routed edge network."""
        self.cli("emn-add", name, "--cidr", "10.20.0.0/24", "--attachment", "routed")

    def add_hidden_network(self, name: str = "lan") -> None:
        """Tell the product of the network behind the gateway that lets only UDP out."""
        self.cli("emn-add", name, "--cidr", "10.30.0.0/24", "--attachment", "wireguard")

    def bootstrap(self, name: str) -> str:
        """Do what somebody does who stands before a host: run the product's script on
        it, once; return what the script said.  The hosts have no WireGuard, and no way
        to get it before the tunnel is up, so the script brings it along."""
        script = self.cli("host-bootstrap", name, "--bundle", "/usr/bin").stdout
        done = self.lab.ssh(
            name,
            "cat >/tmp/bootstrap.sh && sudo sh /tmp/bootstrap.sh; status=$?;"
            " rm -f /tmp/bootstrap.sh; exit $status",
            input_text=script,
            timeout_s=120,
        )
        return done.stdout

    def add_host(self, name: str) -> None:
        """Add one of the lab's hosts to the inventory, locked."""
        plan = self.lab.hosts[name]
        self.cli("host-add", "-n", name, "-i", plan.address, "-m", plan.mac)
