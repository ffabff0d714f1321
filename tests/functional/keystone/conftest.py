# SPDX-License-Identifier: Apache-2.0
"""A real Keystone, and an API that asks it, over TLS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from hummingbird.api.http.server import ApiService
from hummingbird.clock import ManualClock, SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import open_database
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import Conf, load
from hummingbird.db.session import Database
from tests.free_port import free_port
from tests.keystone_server import REGION, SERVICE_USER, KeystoneServer


@pytest.fixture(scope="session")
def keystone() -> Iterator[KeystoneServer]:
    """One Keystone for all tests of a process."""
    server = KeystoneServer()
    yield server
    server.stop()


def keystone_options(keystone: KeystoneServer, group: str) -> str:
    """What an operator writes of a service user."""
    return (
        f"[{group}]\nauth_type = password\nauth_url = {keystone.url}\n"
        f"username = {SERVICE_USER}\npassword = pw-{SERVICE_USER}\n"
        "project_name = services\nuser_domain_id = default\n"
        "project_domain_id = default\n"
    )


def configure(folder: Path, more: str) -> Conf:
    """Return a configuration out of a file, as a process has it."""
    file = folder / "hummingbird.conf"
    file.write_text(
        f"[DEFAULT]\nstate_directory = {folder / 'state'}\n"
        f"[api]\nauth_strategy = keystone\nport = {free_port()}\n"
        f"fm_port = {free_port()}\n{more}"
    )
    return load(["--config-file", str(file)], prog="test")


@dataclass
class Deployment:
    """One API behind Keystone."""

    conf: Conf
    service: ApiService
    database: Database
    clock: ManualClock
    """The door's; what it knows gets old when it moves."""

    @property
    def ca_file(self) -> str:
        assert self.service.certificate is not None
        return str(self.service.certificate.ca_path)

    def ask(
        self,
        token: str | None,
        method: str = "GET",
        path: str = "/v1/ihosts",
        body: object = None,
        *,
        fm: bool = False,
        **headers: str,
    ) -> requests.Response:
        """Ask the API, or its port of fault management."""
        if token is not None:
            headers["X-Auth-Token"] = token
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                (self.service.fm_url if fm else self.service.url) + path,
                json=body,
                headers=headers,
                verify=self.ca_file,
                timeout=60,
            )


class _Clock(SystemClock):
    """The machine's own, which a test can move on."""

    def __init__(self) -> None:
        self.moved = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.moved

    def advance(self, seconds: float) -> None:
        self.moved += seconds


@pytest.fixture
def deploy(
    keystone: KeystoneServer, tmp_path: Path
) -> Iterator[Callable[..., Deployment]]:
    """Starts APIs that are stopped at the end."""
    stops: list[Callable[[], Any]] = []

    def deploy(more: str = "") -> Deployment:
        conf = configure(
            tmp_path, keystone_options(keystone, "keystone_authtoken") + more
        )
        clock: Any = _Clock()
        database = open_database(conf, clock)
        stops.append(database.dispose)
        service = ApiService(
            conf,
            database,
            clock,
            adopt(conf, database, clock),
            lambda *_: None,
            certificate=lambda: api_certificate(conf),
        )
        service.start()
        stops.append(service.stop)
        # As StarlingX's catalogue has them: `system` wants its version in the URL.
        keystone.register(platform=f"{service.url}/v1", faultmanagement=service.fm_url)
        return Deployment(conf, service, database, clock)

    yield deploy
    for stop in reversed(stops):
        stop()


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy()


@pytest.fixture
def openrc(keystone: KeystoneServer, deployment: Deployment) -> dict[str, str]:
    """The variables of a user of OpenStack's clients: the configurator."""
    return {
        "OS_AUTH_URL": keystone.url,
        "OS_USERNAME": "configurator",
        "OS_PASSWORD": "pw-configurator",
        "OS_PROJECT_NAME": "admin",
        "OS_REGION_NAME": REGION,
        "OS_CACERT": deployment.ca_file,
    }
