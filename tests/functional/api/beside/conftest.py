# SPDX-License-Identifier: Apache-2.0
"""An API before a real sysinv, and who asks it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.bootstrap import open_database, sysinv_relay
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import Conf, new
from hummingbird.db.session import Database
from tests.fakes.sysinv import TOKEN, FakeSysinv

PATIENCE = 60


PASSAGES = 4


@dataclass
class World:
    """An API, a sysinv behind it, and who asks."""

    url: str
    sysinv: FakeSysinv
    database: Database
    conf: Conf
    token: str | None = TOKEN

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {} if self.token is None else {"X-Auth-Token": self.token}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.url}{path}",
                headers={**headers, **more.pop("headers", {})},
                timeout=PATIENCE,
                **more,
            )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, name: str, **more: Any) -> requests.Response:
        number = int(name.rsplit("-", 1)[1])
        body = {
            "hostname": name,
            "personality": "edgeworker",
            "mgmt_mac": f"52:54:00:00:00:{number:02x}",
            **more,
        }
        return self.ask("POST", "/v1/ihosts", json=body)

    def names(self, **query: Any) -> list[str]:
        listed = self.get("/v1/ihosts", **query)["ihosts"]
        return [host["hostname"] for host in listed]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def sysinv() -> Iterator[FakeSysinv]:
    made = FakeSysinv()
    yield made
    made.stop()


@pytest.fixture
def conf(tmp_path: Path, sysinv: FakeSysinv) -> Conf:
    made = new()
    made([], project="hummingbird", default_config_files=[])
    token = tmp_path / "token"
    token.write_text(TOKEN)
    for group, values in {
        None: {"state_directory": str(tmp_path / "state")},
        "api": {"port": 0, "fm_port": 0, "threads": 4, "token_file": str(token)},
        "sysinv": {
            "upstream": f"{sysinv.url}/v1",
            "connect_seconds": 10.0,
            "away_seconds": 0.0,
            "passages": PASSAGES,
        },
    }.items():
        for name, value in values.items():
            made.set_override(name, value, group=group)
    made.set_override("tls", False, group="api")
    return made


@pytest.fixture
def world(conf: Conf, sysinv: FakeSysinv) -> Iterator[World]:
    clock = SystemClock()
    database = open_database(conf, clock)
    service = ApiService(
        conf,
        database,
        clock,
        adopt(conf, database, clock),
        lambda *_: None,
        sysinv=sysinv_relay(conf, clock, database),
    )
    service.start()
    yield World(service.url, sysinv, database, conf)
    sysinv.may_go_on.set()
    service.stop()
    database.dispose()
