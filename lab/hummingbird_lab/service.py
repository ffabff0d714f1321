# SPDX-License-Identifier: Apache-2.0
"""The controller's plain services: the package repository's server and the registry.

They are processes in the controller's network, started by the world, and end with it.
"""

import http.client
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hummingbird_lab import inventory, network
from hummingbird_lab.authority import Authority
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError
from hummingbird_lab.sandbox import within

APT_PORT = 8080
REGISTRY_PORT = 5000
REGISTRY = f"{inventory.CONTROLLER_ADDRESS}:{REGISTRY_PORT}"

_REGISTRY_SETTINGS = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http:
  addr: :{port}
  tls: {{certificate: {certificate}, key: {key}}}
"""


def start(
    name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in the controller's network, its output in `log/NAME.log`."""
    with (log / f"{name}.log").open("ab") as out:
        return subprocess.Popen(
            within(inventory.CONTROLLER, argv),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
        )


def get(address: str, port: int, path: str, *, tls: bool) -> int:
    """Ask a service in the controller's network; return the HTTP status.

    The certificate is not looked at: this only asks whether somebody is there.
    """
    plug = network.connect(inventory.CONTROLLER, address, port, timeout_s=2.0)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            plug = context.wrap_socket(plug)
        except OSError:
            plug.close()
            raise
    return _status(plug, address, port, path)


def _status(plug: socket.socket, address: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection(address, port)
    connection.sock = plug
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def wait(
    name: str,
    process: subprocess.Popen[bytes],
    *,
    port: int,
    path: str = "/",
    address: str = inventory.CONTROLLER_ADDRESS,
    tls: bool = True,
    log: Path,
    within_s: float = 60.0,
) -> None:
    """Return when a service answers 200.

    :raises LabError: it ended, or did not answer within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if get(address, port, path, tls=tls) == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    said = (log / f"{name}.log").read_text(errors="replace")[-1500:]
    raise LabError(f"{name} is not ready: {said}")


def serve_packages(repository: Path, *, log: Path) -> None:
    """Serve the package repository over HTTP."""
    argv = [sys.executable, "-m", "http.server", str(APT_PORT), "--bind", "::"]
    argv += ["--directory", str(repository)]
    process = start("apt", argv, log=log)
    wait("apt", process, port=APT_PORT, path="/Release", tls=False, log=log)


def serve_images(folder: Path, images: Mapping[str, str], *, log: Path) -> None:
    """Serve the registry over TLS and push `images`, archives by name.

    :raises LabError: the registry did not start, or refused an image.
    """
    authority = Authority(folder / "tls")
    addresses = (
        inventory.CONTROLLER_ADDRESS,
        inventory.CONTROLLER_ADDRESS_6,
        "198.51.100.2",
        "127.0.0.1",
    )
    certificate, key = authority.issue("registry", addresses=addresses)
    settings = folder / "run" / "registry.yml"
    settings.write_text(
        _REGISTRY_SETTINGS.format(
            storage=folder / "registry",
            port=REGISTRY_PORT,
            certificate=certificate,
            key=key,
        )
    )
    process = start("registry", ["docker-registry", "serve", str(settings)], log=log)
    wait("registry", process, port=REGISTRY_PORT, path="/v2/", log=log)
    argv = [sys.executable, "-m", "hummingbird_lab.push"]
    argv += [str(authority.certificate), REGISTRY]
    for name, archive in images.items():
        argv += [str(archive), name]
    run(within(inventory.CONTROLLER, argv))
