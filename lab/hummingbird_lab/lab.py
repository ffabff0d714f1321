# SPDX-License-Identifier: Apache-2.0
"""A lab as its users see it: `Lab.up(folder)`, `Lab.attach(folder)`.

A lab belongs to its folder.  All that it makes is in there, but for control groups,
which a reaper removes when the lab's first process has ended; so `down` is to end that
process.  What is expensive is in the cache and shared by all labs (`prepare`).
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from hummingbird_lab import (
    agent_image,
    binaries,
    cgroup,
    inventory,
    life,
    repository,
    rootfs,
    sandbox,
    service,
)
from hummingbird_lab.cache import Say
from hummingbird_lab.command import run
from hummingbird_lab.errors import CommandFailed, LabError
from hummingbird_lab.fault import Fault
from hummingbird_lab.inside import InsideProcess
from hummingbird_lab.prepare import prepare
from hummingbird_lab.record import Record


def _silent(_line: str) -> None:
    return


class Lab:
    """A running lab.  As a context manager it is taken down at the end."""

    ssh_user = inventory.SSH_USER
    controller_address = inventory.CONTROLLER_ADDRESS
    registry = service.REGISTRY
    apt_url = f"http://{inventory.CONTROLLER_ADDRESS}:{service.APT_PORT}"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = Record.read(folder)
        self.id = self._record.id
        self.hosts = {name: inventory.HOST_BY_NAME[name] for name in self._record.hosts}
        self.ssh_key = folder / "id_ed25519"
        self.run_folder = folder / "run"
        self.kubeconfig = folder / "kubernetes" / "admin.conf"
        self.binaries = Path(self._record.programs)
        self.registry_ca = folder / "tls" / "ca.crt"
        self.python_base = agent_image.base_path()
        self.apt_key = Path(self._record.packages) / "lab.gpg"
        self.fault = Fault(self.ask)
        self._started: tuple[subprocess.Popen[bytes], ...] = ()

    @classmethod
    def up(
        cls,
        folder: Path | str,
        *,
        hosts: Sequence[str] = inventory.USUAL_HOSTS,
        kubernetes: bool = True,
        images: bool = False,
        say: Say = _silent,
        ends_with_caller: bool = True,
    ) -> Self:
        """Start a lab in `folder` and return when all its parts are ready.

        Makes first what the cache lacks, which can take minutes; `say` is told.  With
        `ends_with_caller` the lab ends with the calling thread, however that ends.

        :raises LabError: it could not be started; nothing of it is left running.
        """
        folder = Path(folder).absolute()
        life.check(folder, hosts)
        archives = prepare(kubernetes=kubernetes, images=images, say=say)
        life.down(folder)
        lab_id = secrets.token_hex(4)
        record = Record(
            id=lab_id,
            hosts=tuple(hosts),
            kubernetes=kubernetes,
            rootfs=str(rootfs.path()),
            programs=str(binaries.path()),
            packages=str(repository.path()),
            images={name: str(path) for name, path in archives.items()},
            groups=tuple(str(group) for group in cgroup.lab_groups(lab_id)),
        )
        life.lay_out(folder, record)
        try:
            started = life.start(
                folder, record, say=say, ends_with_caller=ends_with_caller
            )
        except LabError:
            life.down(folder, keep=True)
            raise
        lab = cls(folder)
        lab._started = started
        return lab

    @classmethod
    def attach(cls, folder: Path | str) -> Self:
        """Return the lab that runs in `folder`.

        :raises LabNotRunning: there is none, or it has ended.
        """
        lab = cls(Path(folder).absolute())
        lab._record.init_pid()
        return lab

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down(keep=bool(os.environ.get("HUMMINGBIRD_LAB_KEEP")))

    def down(self, *, keep: bool = False) -> None:
        """End the lab and remove its folder, unless `keep`."""
        life.down(self.folder, keep=keep)
        for process in self._started:
            process.wait(timeout=30)

    @property
    def first_pid(self) -> int:
        """The id of the process whose end is the lab's end."""
        return self._record.first_pid

    @property
    def is_running(self) -> bool:
        """Whether the lab's first process lives."""
        return self._record.is_running

    def inside(
        self, place: str, argv: Sequence[str], *, folder: Path | None = None
    ) -> list[str]:
        """Return the command that runs `argv` inside, in the network of `place`.

        A place is a host, the controller, a router or a switch.
        """
        places = {*self.hosts, *inventory.SWITCHES}
        places |= {port.owner for port in inventory.PORTS}
        if place not in places:
            raise LabError(f"no place {place}; there are {', '.join(sorted(places))}")
        return sandbox.enter(self._record.init_pid(), argv, place=place, folder=folder)

    def exec(
        self,
        place: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout_s: float = 120.0,
        input_text: str | None = None,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine in the network of `place`, to its end.

        It sees this machine's files, but neither its network nor its processes, and
        cannot set the clock.  `env` is added to `environment()`.

        :raises CommandFailed: it exited with an error and `check` is set.
        """
        return run(
            self.inside(place, argv, folder=folder),
            env=self.environment() | dict(env or {}),
            check=check,
            timeout_s=timeout_s,
            input_text=input_text,
        )

    def popen(
        self,
        place: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: IO[Any] | int | None = subprocess.DEVNULL,
        stdout: IO[Any] | int | None = None,
        stderr: IO[Any] | int | None = None,
        folder: Path | None = None,
    ) -> InsideProcess:
        """Start a program in the network of `place` and leave it running.

        Signals sent through the returned object reach the program itself, and
        `inner_pid` is its id as seen from outside.  It ends with the lab.
        """
        return InsideProcess(
            self.inside(place, argv, folder=folder),
            env=self.environment() | dict(env or {}),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    def ssh_command(self, host: str, command: str | None = None) -> list[str]:
        """Return the SSH command to a host, to be run where `reached_from` says."""
        plan = self._plan(host)
        options = (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=3",
        )
        argv = ["ssh", "-F", "/dev/null", "-i", str(self.ssh_key)]
        for option in options:
            argv += ["-o", option]
        argv.append(f"{self.ssh_user}@{plan.address}")
        return argv if command is None else [*argv, command]

    def ssh(
        self,
        host: str,
        command: str,
        *,
        check: bool = True,
        timeout_s: float = 60.0,
        input_text: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on a host, as the user with sudo rights."""
        return self.exec(
            self._plan(host).reached_from,
            self.ssh_command(host, command),
            check=check,
            timeout_s=timeout_s,
            input_text=input_text,
        )

    def wait_for_ssh(self, host: str, *, timeout_s: float = 60.0) -> None:
        """Return when the host carries out a command.

        :raises LabError: it did not within `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                self.ssh(host, "true", timeout_s=5.0)
                return
            except CommandFailed:
                time.sleep(0.1)
        raise LabError(f"{host} did not answer SSH within {timeout_s:g} s")

    def _plan(self, host: str) -> inventory.HostPlan:
        if host not in self.hosts:
            raise LabError(f"no host {host}; there are {', '.join(self.hosts)}")
        return self.hosts[host]

    def environment(self) -> dict[str, str]:
        """Return the environment for programs that work with the lab."""
        return dict(os.environ) | self.exports()

    def exports(self) -> dict[str, str]:
        """Return what the environment of such a program has beside the caller's."""
        state = str(self.run_folder)
        exports = {"HUMMINGBIRD_LAB": str(self.folder)}
        if self._record.kubernetes:
            exports |= {
                "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": f"{state}/kubectl",
                "HELM_CACHE_HOME": f"{state}/helm/cache",
                "HELM_CONFIG_HOME": f"{state}/helm/config",
                "HELM_DATA_HOME": f"{state}/helm/data",
                "PATH": f"{self.binaries}:{os.environ.get('PATH', os.defpath)}",
            }
        return exports

    def status(self) -> dict[str, Any]:
        """Return what runs, as plain data."""
        seen = self.ask(do="status")["hosts"]
        return {
            "folder": str(self.folder),
            "id": self.id,
            "first_pid": self.first_pid,
            "kubernetes": self._record.kubernetes,
            "hosts": [
                {
                    "name": name,
                    "address": plan.address,
                    "mac": plan.mac,
                    "network": plan.network,
                    **seen[name],
                }
                for name, plan in self.hosts.items()
            ],
        }

    def push(self, archive: Path, reference: str) -> str:
        """Push an OCI archive to the lab's registry as NAME:TAG; return its digest."""
        argv = [sys.executable, "-m", "hummingbird_lab.push", str(self.registry_ca)]
        argv += [self.registry, str(archive.absolute()), reference]
        return self.exec(inventory.CONTROLLER, argv).stdout.split()[-1]

    def push_images(self, *, say: Say = _silent) -> dict[str, str]:
        """Build the agents' images if they are out of date, push them; return digests.

        `Lab.up(images=True)` has done so already.
        """
        archives = prepare(kubernetes=True, images=True, say=say)
        return {
            name: self.push(archives[name], name)
            for name in agent_image.names().values()
        }

    def ask(self, *, timeout_s: float = 60.0, **request: object) -> dict[str, Any]:
        """Have the lab's first process carry out a request.

        :raises LabError: it says why it did not.
        """
        self._record.init_pid()
        folder = os.open(self.run_folder, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(timeout_s)
                # The real path may be longer than a socket's may be.
                line.connect(f"/proc/self/fd/{folder}/control.sock")
                line.sendall(json.dumps(request).encode() + b"\n")
                with line.makefile("rb") as stream:
                    answer = json.loads(stream.readline() or b"null")
        except OSError as error:
            raise LabError(f"the lab does not answer: {error}") from error
        finally:
            os.close(folder)
        if not isinstance(answer, dict):
            raise LabError("the lab ended while it was asked")
        if "error" in answer:
            raise LabError(answer["error"])
        return answer
