# SPDX-License-Identifier: Apache-2.0
"""The lab's first process: builds the lab inside its namespaces and keeps it.

Started by `Lab.up` as process 1 of a process namespace.  It forks: the first process
only collects what ends (as init does), its child is the world.  Progress goes out as
JSON lines on a pipe; afterwards the world answers JSON lines on `run/control.sock`
(a path, so it is reached from any network namespace).  Its end is the lab's end, so
nothing here tidies up.
"""

import json
import os
import signal
import socketserver
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hummingbird_lab import binaries, inventory, network, service
from hummingbird_lab.command import run
from hummingbird_lab.control_plane import ControlPlane
from hummingbird_lab.errors import LabError
from hummingbird_lab.host import Host
from hummingbird_lab.record import Record

SSH_WITHIN_S = 60.0


class World:
    """What runs inside: networks, hosts and the controller's services."""

    def __init__(self, folder: Path, *, report: Callable[..., None]) -> None:
        self._record = Record.read(folder)
        self._folder = folder
        self._report = report
        self._began = time.monotonic()
        self.cables = network.build()
        self.hosts = {name: self._host(name) for name in self._record.hosts}
        for host in self.hosts.values():
            self.cables[host.plan.name] = host.cable
            if host.lan_cable:
                self.cables[host.lan_cable.name] = host.lan_cable

    def _host(self, name: str) -> Host:
        return Host(
            inventory.HOST_BY_NAME[name],
            folder=self._folder / "hosts" / name,
            tree=Path(self._record.rootfs),
            groups=[Path(group) for group in self._record.groups],
            public_key=(self._folder / "id_ed25519.pub").read_text(),
        )

    def start(self) -> None:
        """Start everything side by side and return when all of it is ready.

        :raises LabError: a part did not become ready.
        """
        jobs: list[tuple[str, Callable[[], None]]] = []
        for host in self.hosts.values():
            host.start()
            jobs.append((host.plan.name, self._ssh_wait(host)))
        if self._record.kubernetes:
            jobs += self._services()
        with ThreadPoolExecutor(max_workers=len(jobs) or 1) as pool:
            running = [pool.submit(self._timed, name, job) for name, job in jobs]
            for future in running:
                future.result()

    def _services(self) -> list[tuple[str, Callable[[], None]]]:
        """Return how to start what the controller has beside the product."""
        folder, log = self._folder, self._folder / "run"
        images, packages = self._record.images, Path(self._record.packages)
        plane = ControlPlane(
            folder / "kubernetes",
            programs=Path(self._record.programs),
            version=binaries.version(),
        )
        return [
            ("kubernetes", plane.start),
            ("apt", lambda: service.serve_packages(packages, log=log)),
            ("registry", lambda: service.serve_images(folder, images, log=log)),
        ]

    def _ssh_wait(self, host: Host) -> Callable[[], None]:
        def wait() -> None:
            try:
                host.wait_for_ssh(timeout_s=SSH_WITHIN_S / 2)
            except LabError as error:
                # A stage that does not come up is no finding about the play.
                print(f"pulling the plug once: {error}", flush=True)
                host.power_off()
                host.power_on()
                host.wait_for_ssh(timeout_s=SSH_WITHIN_S)

        return wait

    def _timed(self, name: str, job: Callable[[], None]) -> None:
        job()
        self._report(ready=name, seconds=round(time.monotonic() - self._began, 2))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request: `{"do": …, "name": …}` and its arguments.

        :raises LabError: the request names something that is not there.
        """
        name = str(request.get("name", ""))
        match request.get("do"):
            case "status":
                return self._status()
            case "cable":
                if name not in self.cables:
                    raise LabError(
                        f"no cable {name}; there are {', '.join(sorted(self.cables))}"
                    )
                self.cables[name].set(**request["condition"])
            case "power-off":
                self._named(name).power_off()
            case "power-on":
                self._named(name).power_on()
            case "reboot":
                self._named(name).reboot()
            case "freeze":
                self._named(name).freeze(frozen=bool(request["frozen"]))
            case other:
                raise LabError(f"the lab does not know {other!r}")
        return {}

    def _named(self, name: str) -> Host:
        if name not in self.hosts:
            raise LabError(f"no host {name}; there are {', '.join(self.hosts)}")
        return self.hosts[name]

    def _status(self) -> dict[str, Any]:
        return {
            "hosts": {
                name: {"on": host.is_on, "link": vars(host.cable.condition)}
                for name, host in self.hosts.items()
            },
        }


class _Control(socketserver.ThreadingUnixStreamServer):
    """Answers one request a connection."""

    daemon_threads = True
    world: World


class _Request(socketserver.StreamRequestHandler):
    server: _Control

    def handle(self) -> None:
        try:
            answer = self.server.world.answer(json.loads(self.rfile.readline()))
        except (LabError, OSError, KeyError, TypeError, ValueError) as error:
            answer = {"error": str(error) or repr(error)}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def _own_mounts() -> None:
    """Give the lab a /run of its own, so that nothing it names there is shared."""
    run(["mount", "--make-rprivate", "/"])
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    for name in ("netns", "lock", "systemd/nspawn", "wireguard"):
        Path("/run", name).mkdir(parents=True)


def _live(folder: Path, pipe: int) -> None:
    """Be the world until killed."""

    def report(**facts: object) -> None:
        os.write(pipe, json.dumps(facts).encode() + b"\n")

    try:
        _own_mounts()
        world = World(folder, report=report)
        os.chdir(folder / "run")  # a socket's path has at most 107 letters
        control = _Control("control.sock", _Request)
        control.world = world
        threading.Thread(target=control.serve_forever, daemon=True).start()
        world.start()
    except (LabError, OSError) as error:
        traceback.print_exc()
        report(failed=str(error))
        return
    report(ready="lab")
    os.close(pipe)
    threading.Event().wait()


def main() -> int:
    """Be process 1: start the world, collect what ends, end with the world."""
    folder, pipe = Path(sys.argv[1]), int(sys.argv[2])
    world = os.fork()
    if not world:
        _live(folder, pipe)
        return 1
    os.close(pipe)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        ended, status = os.wait()
        if ended == world:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
