# SPDX-License-Identifier: Apache-2.0
"""Where things are: the state directory, the files that come with Hummingbird, ports."""

import os
import socket
import sysconfig
from pathlib import Path
from typing import Any

import hummingbird
from hummingbird.domain.endpoint import split
from hummingbird.domain.firewall import API_SERVER_PORT, Ports


def state_directory(conf: Any) -> Path:
    """Return the state directory, made with mode 0700 if it was not there."""
    if conf.state_directory:
        path = Path(conf.state_directory)
    elif os.geteuid() == 0:
        path = Path("/var/lib/hummingbird")
    else:
        path = Path.home() / ".local/state/hummingbird"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def shared(name: str) -> Path:
    """Return the folder `name` ("playbooks", "charts/hummingbird-agents") of this
    installation: beside the package in a source tree, else under share/hummingbird.

    :raises FileNotFoundError: the installation is incomplete.
    """
    beside = Path(hummingbird.__file__).resolve().parent.parent / name
    installed = Path(sysconfig.get_path("data")) / "share" / "hummingbird" / name
    for candidate in (beside, installed):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{name} is neither at {beside} nor at {installed}")


def controller_name(conf: Any) -> str:
    """Return this controller's name in alarms and reservations."""
    return str(conf.controller_name or socket.gethostname())


def database_url(conf: Any) -> str:
    """Return the database's URL."""
    if conf.database.url:
        return str(conf.database.url)
    return f"sqlite:///{state_directory(conf) / 'hummingbird.sqlite'}"


def known_ports(conf: Any) -> Ports:
    """Return the ports; SSH's is each credential's own, its default stands here."""
    endpoints = conf.kubernetes.api_endpoint
    port = split(endpoints[0])[1] if endpoints else None
    return Ports(
        gateway=int(conf.gateway.port),
        hub=int(conf.tunnel.hub_port),
        vxlan=int(conf.vxlan.port),
        kubernetes=port or API_SERVER_PORT,
    )
