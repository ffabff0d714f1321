# SPDX-License-Identifier: Apache-2.0
"""The API while its database is silent, busy, or undoes a transaction."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from hummingbird.api.http.app import build
from hummingbird.api.http.authentication import TokenDoor
from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.conf import new
from hummingbird.db.repository import audit_log, system
from hummingbird.db.session import Connection, Database, Limits
from hummingbird.errors import TransactionConflict
from hummingbird.secretbox import SecretBox
from tests.fakes.tcp_proxy import TcpProxy, Way
from tests.functional.api.conftest import TOKEN, Client, World
from tests.functional.api.test_host_bulk import element, hosts, upload
from tests.postgresql_server import PostgresqlServer

LIMITS = Limits(connect=2.0, statement=1.0, lock=0.5, idle=1.0, pool=1.0)
WAIT_SECONDS = 60
"""Far above what an answer takes here, and below what a silent socket would take."""


@pytest.fixture
def proxy(postgresql_server: PostgresqlServer) -> Iterator[TcpProxy]:
    postgresql_server.empty()
    found = TcpProxy(postgresql_server.socket)
    yield found
    found.stop()


@pytest.fixture
def service(
    proxy: TcpProxy, postgresql_server: PostgresqlServer, tmp_path: Path
) -> Iterator[ApiService]:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(tmp_path))
    for name, value in {"port": 0, "fm_port": 0, "tls": False}.items():
        conf.set_override(name, value, group="api")
    clock = SystemClock()
    database = Database(postgresql_server.url_by(proxy.port), limits=LIMITS)
    with database.writer() as connection:
        system.seed(
            connection, name="test", mn_cidr="192.168.204.0/24", now=clock.now()
        )
    box = SecretBox.from_file(tmp_path / "secret.key")
    found = ApiService(conf, database, clock, box, lambda _: None)
    found.start()
    yield found
    proxy.turn(Way.PASS)
    found.stop()
    database.dispose()


def health(service: ApiService) -> int:
    return requests.get(f"{service.url}/v1/health", timeout=WAIT_SECONDS).status_code


def add(service: ApiService, name: str) -> requests.Response:
    body = {"hostname": name, "personality": "edgeworker", "mgmt_mac": "52:54:0:0:0:1"}
    return requests.post(
        f"{service.url}/v1/ihosts",
        json={**body, "mgmt_mac": "52:54:00:00:00:01"},
        headers={"X-Auth-Token": service.token_file.read_text()},
        timeout=WAIT_SECONDS,
    )


@pytest.mark.parametrize("way", [Way.SILENT, Way.RESET])
def test_a_database_that_is_cut_off_is_a_503_for_everybody(
    service: ApiService, proxy: TcpProxy, way: Way
) -> None:
    assert health(service) == 200
    proxy.turn(way)
    with ThreadPoolExecutor(40) as pool:
        adds = [pool.submit(add, service, f"edge-{n}") for n in range(39)]
        assert health(service) == 503
        answers = [one.result() for one in adds]
    assert {one.status_code for one in answers} == {503}
    assert "hummingbird.database.unavailable" in {
        one.json()["error_message"].split('"code": "')[1].split('"')[0]
        for one in answers
    }
    assert all("Retry-After" in one.headers for one in answers)
    proxy.turn(Way.PASS)
    deadline = time.monotonic() + WAIT_SECONDS
    while health(service) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert add(service, "edge-0").status_code == 200


def undo(times: int) -> Callable[[Connection], Callable[[], None]]:
    """Return what ends so many transactions as the database would end them."""
    left = [times]

    def last(_connection: Connection) -> Callable[[], None]:
        if left[0]:
            left[0] -= 1
            raise TransactionConflict(message="deadlock detected")
        return lambda: None

    return last


def client_of(world: World, *, undone: int) -> Client:
    dependencies = replace(
        world.dependencies, database=world.database.followed(undo(undone))
    )
    return Client(build(dependencies, door=TokenDoor(TOKEN)))


def test_a_request_whose_transaction_was_undone_is_done_again(world: World) -> None:
    client = client_of(world, undone=1)
    body = {
        "hostname": "edge-0",
        "personality": "edgeworker",
        "mgmt_mac": "52:54:00:00:00:01",
    }
    assert client.post("/v1/ihosts", body).status == 200
    with world.database.reader() as connection:
        rows = audit_log.list_latest(connection, limit=10)
    assert [(row.entry.method, row.entry.status) for row in rows] == [("POST", 200)]


def test_a_request_that_is_undone_twice_is_told_why(world: World) -> None:
    answer = client_of(world, undone=2).post(
        "/v1/ihosts",
        {
            "hostname": "edge-0",
            "personality": "edgeworker",
            "mgmt_mac": "52:54:00:00:00:01",
        },
    )
    assert answer.status == 503
    assert answer.fault["code"] == "hummingbird.database.conflict"
    assert "does not answer" not in answer.sentence


def test_of_a_file_of_hosts_no_host_is_added_twice(world: World) -> None:
    client = client_of(world, undone=1)
    answer = upload(replace(world, client=client), hosts(*map(element, range(3))))
    assert answer.status == 200, answer.body
    assert answer.json["error"] == ""
    assert answer.json["success"].split() == ["edge-0", "edge-1", "edge-2"]
