# SPDX-License-Identifier: Apache-2.0
"""The whole WSGI stack in process, on each database, and who plays the conductor."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

import pytest

from hummingbird.api.http.app import WsgiApplication, build
from hummingbird.api.http.authentication import TokenDoor
from hummingbird.api.http.dependencies import Dependencies
from hummingbird.clock import ManualClock
from hummingbird.conf import new
from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import event_suppression, system
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.session import Database
from hummingbird.domain.alarm_catalogue import CATALOGUE
from hummingbird.domain.host import Host
from hummingbird.domain.host_machine import Event
from hummingbird.domain.run import Run, RunState
from hummingbird.secretbox import SecretBox
from tests import conformance

TOKEN = "the token of these tests"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fault(self) -> dict[str, Any]:
        """What StarlingX's client parses out of an error."""
        found = json.loads(self.json["error_message"])
        assert isinstance(found, dict)
        return found

    @property
    def sentence(self) -> str:
        return str(self.fault["faultstring"])


@dataclass
class Client:
    """Speaks WSGI to the application."""

    application: WsgiApplication
    token: str | None = TOKEN

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: dict[str, Any] | list[tuple[str, str]] | None = None,
        **headers: str,
    ) -> Answer:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": urlencode(query or {}),
            "HTTP_HOST": "edge.example:6385",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "wsgi.input": io.BytesIO(body or b""),
            "CONTENT_LENGTH": str(len(body or b"")),
            **headers,
        }
        if self.token is not None:
            environ["HTTP_X_AUTH_TOKEN"] = self.token
        setup_testing_defaults(environ)
        seen: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            seen.append((status, headers))

        chunks = self.application(environ, start_response)
        content = b"".join(chunks)
        status, given = seen[-1]
        answer = Answer(int(status[:3]), dict(given), content)
        conformance.check(method, path, answer.status, answer.headers, answer.body)
        return answer

    def get(self, path: str, **query: Any) -> Answer:
        return self.request("GET", path, query=query)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def post(self, path: str, body: object) -> Answer:
        return self.request("POST", path, body=json.dumps(body).encode())

    def patch(self, path: str, body: object) -> Answer:
        return self.request("PATCH", path, body=json.dumps(body).encode())

    def update(self, name: str, **values: object) -> Answer:
        """Do what `system host-update name key=value…` does."""
        return self.patch(
            f"/v1/ihosts/{quote(name)}",
            [
                {"op": "replace", "path": f"/{key}", "value": value}
                for key, value in values.items()
            ],
        )

    def act(self, name: str, action: str) -> Answer:
        return self.update(name, action=action)


@dataclass
class World:
    """A new deployment and its client; its methods play the conductor."""

    client: Client
    database: Database
    clock: ManualClock
    box: SecretBox
    dependencies: Dependencies
    nudges: list[str] = field(default_factory=list)

    def add(self, name: str = "edge-0", **more: object) -> dict[str, Any]:
        """Add a host as `system host-add` does; return its JSON."""
        with self.database.reader() as connection:
            count = len(hosts.list_all(connection))
        answer = self.client.post(
            "/v1/ihosts",
            {
                "hostname": name,
                "personality": "edgeworker",
                "mgmt_mac": f"52:54:00:00:00:{count:02x}",
                **more,
            },
        )
        assert answer.status == 200, answer.body
        added: dict[str, Any] = answer.json
        return added

    def add_ready(self, name: str = "edge-0") -> dict[str, Any]:
        """Add a host that could be unlocked."""
        with self.database.writer() as connection:
            if not credentials.list_all(connection):
                credentials.create(
                    connection,
                    name="default",
                    user="root",
                    port=22,
                    become=False,
                    private_key=None,
                    password="x",
                    become_password=None,
                    box=self.box,
                    now=self.clock.now(),
                )
            count = len(hosts.list_all(connection))
        return self.add(name, mgmt_ip=f"192.168.204.{50 + count}")

    def host(self, name: str = "edge-0") -> Host:
        with self.database.reader() as connection:
            return hosts.find(connection, name)

    def move(self, name: str, *events: Event, **values: object) -> None:
        """Take a host through the state machine, as the conductor does."""
        for event in events:
            with self.database.writer() as connection:
                host = hosts.find(connection, name)
                hosts.move(connection, host, event, now=self.clock.now(), **values)

    def change(self, name: str, **values: object) -> None:
        """Write to a host what the conductor found out."""
        with self.database.writer() as connection:
            host = hosts.find(connection, name)
            hosts.change(connection, host, now=self.clock.now(), **values)

    def enable(self, name: str = "edge-0") -> None:
        """Unlock a host and end the run well."""
        assert self.client.act(name, "unlock").status == 200
        self.end_runs(name)
        self.move(name, Event.PROVISIONED, provisioned_plan="plan", touched=True)
        self.move(name, Event.IN_SERVICE)

    def lock(self, name: str = "edge-0") -> None:
        assert self.client.act(name, "lock").status == 200
        self.end_runs(name)
        self.move(name, Event.LOCK_DONE)

    def runs(self, name: str = "edge-0") -> list[Run]:
        with self.database.reader() as connection:
            return runs.list_all(connection, hostname=name)

    def end_runs(self, name: str = "edge-0") -> None:
        with self.database.writer() as connection:
            for run in runs.list_all(connection, hostname=name):
                runs.finish(
                    connection, run, state=RunState.SUCCEEDED, now=self.clock.now()
                )


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(tmp_path))
    clock = ManualClock()
    with database.writer() as connection:
        system.seed(
            connection, name="test", mn_cidr="192.168.204.0/24", now=clock.now()
        )
        event_suppression.sync(connection, CATALOGUE.values())
    box = SecretBox.from_file(tmp_path / "secret.key")
    nudges: list[str] = []
    dependencies = Dependencies(
        conf=conf,
        database=database,
        clock=clock,
        box=box,
        nudge=nudges.append,
        reconcilers=lambda: [{"name": "alarm", "looked_at": 3}],
    )
    application = build(dependencies, door=TokenDoor(TOKEN))
    yield World(Client(application), database, clock, box, dependencies, nudges)


@pytest.fixture
def client(world: World) -> Client:
    return world.client
