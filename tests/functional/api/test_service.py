# SPDX-License-Identifier: Apache-2.0
"""The service as processes run it: a port, threads, the token's file."""

import functools
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from hummingbird.api.http.server import ApiService, token_file
from hummingbird.clock import SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import open_database
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import Conf, new
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import run as runs
from hummingbird.db.session import Database
from hummingbird.domain.run import RunKind
from tests.free_port import free_port

PATIENCE = 60
"""Seconds for an answer, on a machine that others use too."""
WAIT_SECONDS = 30


@pytest.fixture
def conf(tmp_path: Path) -> Conf:
    made = new()
    made([], project="hummingbird", default_config_files=[])
    made.set_override("state_directory", str(tmp_path / "state"))
    made.set_override("port", 0, group="api")
    made.set_override("fm_port", 0, group="api")
    return made


@pytest.fixture
def sqlite(conf: Conf) -> Iterator[Database]:
    database = open_database(conf, SystemClock())
    yield database
    database.dispose()


def make(conf: Conf, database: Database) -> ApiService:
    return ApiService(
        conf,
        database,
        SystemClock(),
        adopt(conf, database, SystemClock()),
        lambda: None,
        certificate=lambda: api_certificate(conf),
    )


def authority(service: ApiService) -> str:
    """What a client must be told to know the service."""
    assert service.certificate is not None
    return str(service.certificate.ca_path)


@pytest.fixture
def service(conf: Conf, sqlite: Database) -> Iterator[ApiService]:
    made = make(conf, sqlite)
    made.start()
    yield made
    made.stop()
    made.stop()


@pytest.fixture
def session(service: ApiService) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.headers["X-Auth-Token"] = service.token_file.read_text()
        made.verify = authority(service)
        yield made


def _body(number: int) -> dict[str, str]:
    return {
        "hostname": f"edge-{number}",
        "personality": "edgeworker",
        "mgmt_mac": f"52:54:00:00:00:{number:02x}",
    }


def test_the_token_is_made_once_for_its_owner_alone(
    conf: Conf, service: ApiService, sqlite: Database
) -> None:
    path = token_file(conf)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text()
    assert len(token) >= 43
    make(conf, sqlite)
    assert path.read_text() == token


def test_it_answers_over_http_as_soon_as_it_has_started(
    service: ApiService, session: requests.Session
) -> None:
    stranger = requests.Session()
    stranger.trust_env = False
    stranger.verify = authority(service)
    health = stranger.get(f"{service.url}/v1/health", timeout=PATIENCE)
    assert health.json()["ready"] is True
    assert stranger.get(f"{service.url}/v1/ihosts", timeout=PATIENCE).status_code == 401
    stranger.close()
    url = f"{service.url}/v1/ihosts"
    assert session.post(url, json=_body(1), timeout=PATIENCE).status_code == 200
    assert session.get(f"{url}/edge-1", timeout=PATIENCE).json()["hostname"] == "edge-1"
    assert session.delete(f"{url}/edge-1", timeout=PATIENCE).status_code == 204
    assert session.get(f"{url}/edge-1", timeout=PATIENCE).status_code == 404


def test_many_at_once_are_all_served(
    service: ApiService, session: requests.Session
) -> None:
    statuses: list[int] = []

    def add(number: int) -> None:
        answer = requests.post(
            f"{service.url}/v1/ihosts",
            json=_body(number % 8),
            headers={"X-Auth-Token": str(session.headers["X-Auth-Token"])},
            verify=authority(service),
            timeout=PATIENCE,
        )
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 8 + [400] * 16
    listed = session.get(f"{service.url}/v1/ihosts", timeout=PATIENCE).json()["ihosts"]
    assert len(listed) == 8


def test_a_body_without_a_stated_length_is_limited_too(
    service: ApiService, session: requests.Session
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    url = f"{service.url}/v1/ihosts"
    try:
        status = session.post(url, data=chunks(), timeout=PATIENCE).status_code
    except requests.ConnectionError:
        return  # refused before all of it was sent
    assert status == 413


def test_a_stopping_service_lets_go_of_those_who_wait(
    service: ApiService, session: requests.Session, sqlite: Database
) -> None:
    session.post(f"{service.url}/v1/ihosts", json=_body(1), timeout=PATIENCE)
    with sqlite.writer() as connection:
        host = hosts.find(connection, "edge-1")
        runs.create(
            connection,
            host_uuid=host.uuid,
            hostname=host.hostname,
            kind=RunKind.UNLOCK,
            requested_by="test",
            now=host.created_at,
        )
    statuses: list[int] = []

    def follow() -> None:
        url = f"{service.url}/v1/runs/1/events"
        answer = session.get(url, params={"wait": WAIT_SECONDS}, timeout=PATIENCE)
        statuses.append(answer.status_code)

    waiting = threading.Thread(target=follow)
    waiting.start()
    deadline = time.monotonic() + WAIT_SECONDS
    while service.waiting == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stopping = time.monotonic()
    service.stop()
    waiting.join()
    assert statuses == [200]
    assert time.monotonic() - stopping < WAIT_SECONDS * 0.8, "it was waited for"


def test_alarms_are_served_at_their_own_port_as_well(
    conf: Conf, sqlite: Database, tmp_path: Path
) -> None:
    conf.set_override("fm_port", free_port(), group="api")
    made = make(conf, sqlite)
    made.start()
    try:
        fault = made.fm_url
        assert fault == f"https://127.0.0.1:{conf.api.fm_port}" != made.url
        header = {"X-Auth-Token": made.token_file.read_text()}
        get = functools.partial(requests.get, verify=authority(made), timeout=PATIENCE)
        root = get(fault).json()
        assert root["name"] == "Fault Management API"
        v1 = get(f"{fault}/v1").json()
        names = {"alarms", "event_log", "event_suppression"}
        assert set(v1) == {"id", "media_types", "links"} | names
        for name in names:
            url = f"{fault}/v1/{name}"
            assert get(url).status_code == 401
            assert name in get(url, headers=header).json()
        hosts_there = get(f"{fault}/v1/ihosts", headers=header)
        assert hosts_there.status_code == 404
    finally:
        made.stop()


def test_a_taken_port_leaves_nothing_open(conf: Conf, sqlite: Database) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        conf.set_override("port", free_port(), group="api")
        conf.set_override("fm_port", holder.getsockname()[1], group="api")
        made = make(conf, sqlite)
        with pytest.raises(OSError):
            made.start()
        made.stop()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", conf.api.port)) != 0
