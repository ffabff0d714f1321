# SPDX-License-Identifier: Apache-2.0
"""API and conductor talk, in one process and through a real RabbitMQ."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from hummingbird.conf import new
from hummingbird.errors import (
    ConductorUnavailable,
    HostBusy,
    HummingbirdError,
    KubernetesUnavailable,
)
from hummingbird.rpc.client import ConductorClient
from hummingbird.rpc.endpoint import InProcessConductor, is_in_process
from hummingbird.rpc.server import Server, make_server
from hummingbird.rpc.transport import open_transport
from tests.functional.rpc.conftest import AbsentBroker, Broker

REPORTS: list[dict[str, Any]] = [{"name": "liveness", "looked_at": 3, "failed": []}]


class Conductor:
    """Remembers its nudges, and fails as told."""

    def __init__(self) -> None:
        self.nudges: list[str] = []
        self.error: Exception | None = None

    def nudge(self, name: str) -> None:
        self.nudges.append(name)

    def reconcilers(self) -> list[dict[str, Any]]:
        if self.error is not None:
            raise self.error
        return REPORTS


def eventually(seen: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Poll what other threads and processes do."""
    deadline = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def transport(url: str) -> Any:
    conf = new()
    conf([], default_config_files=[])
    return open_transport(conf, url=url)


@contextmanager
def serving(url: str, conductor: Conductor, host: str) -> Iterator[Server]:
    way = transport(url)
    server = make_server(way, conductor, host)
    server.start()
    try:
        assert eventually(server.is_listening)
        yield server
    finally:
        server.stop()
        way.cleanup()


@pytest.fixture(params=["fake", "rabbit"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "fake":
        return "fake://"
    broker: Broker = request.getfixturevalue("broker")
    return broker.url


@pytest.fixture
def host() -> str:
    """A conductor's name that no other test uses."""
    return f"controller-{uuid4().hex[:8]}"


@pytest.fixture
def client(url: str) -> Iterator[ConductorClient]:
    way = transport(url)
    client = ConductorClient(way, timeout_seconds=10)
    yield client
    client.close()
    way.cleanup()


def _has(conductor: Conductor, nudges: set[str]) -> bool:
    return set(conductor.nudges) == nudges


def test_a_conductor_answers_with_its_name_and_reports(
    url: str, host: str, client: ConductorClient
) -> None:
    with serving(url, Conductor(), host):
        assert client.ping() == host
        assert client.reconcilers() == REPORTS


def test_the_conductor_beside_us_is_asked_without_a_message(host: str) -> None:
    conductor = Conductor()
    client = InProcessConductor(conductor, name=host)
    client.nudge()
    client.nudge("alarm")
    assert conductor.nudges == ["run", "alarm"]
    assert client.reconcilers() == REPORTS
    assert client.ping() == host
    client.close()


def test_a_broker_is_where_others_are() -> None:
    conf = new()
    conf([], default_config_files=[])
    assert is_in_process(conf)
    conf.set_override("transport_url", "rabbit://broker:5672/", group="rpc")
    assert not is_in_process(conf)


def test_a_nudge_reaches_every_conductor(
    url: str, host: str, client: ConductorClient
) -> None:
    first, second = Conductor(), Conductor()
    with serving(url, first, f"{host}-a"), serving(url, second, f"{host}-b"):
        client.nudge("run")
        client.nudge("alarm")
        for conductor in (first, second):
            assert eventually(partial(_has, conductor, {"run", "alarm"}))


class Named(Conductor):
    """Says whose reports it gives."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def reconcilers(self) -> list[dict[str, Any]]:
        return [{"name": "liveness", "conductor": self._name}]


def test_the_one_that_acts_is_asked_first_and_else_whoever_answers(
    url: str, host: str
) -> None:
    first, second = f"{host}-a", f"{host}-b"
    quick = ConductorClient(transport(url), timeout_seconds=2.0)
    with serving(url, Named("a"), first), serving(url, Named("b"), second):
        for _ in range(3):
            assert quick.reconcilers(second)[0]["conductor"] == "b"
            assert quick.reconcilers(first)[0]["conductor"] == "a"
        assert quick.reconcilers(f"{host}-gone")[0]["conductor"] in ("a", "b")
    quick.close()


def test_an_error_arrives_as_itself(
    url: str, host: str, client: ConductorClient
) -> None:
    conductor = Conductor()
    with serving(url, conductor, host):
        for error in (
            HostBusy(hostname="edge-0", purpose="provision"),
            KubernetesUnavailable(message="no route to host"),
        ):
            conductor.error = error
            with pytest.raises(type(error)) as caught:
                client.reconcilers()
            assert str(caught.value) == str(error)
            assert caught.value.facts == error.facts


def test_an_unforeseen_failure_arrives_without_its_inside(
    url: str, host: str, client: ConductorClient
) -> None:
    conductor = Conductor()
    with serving(url, conductor, host):
        conductor.error = RuntimeError("password=secret")
        with pytest.raises(HummingbirdError) as caught:
            client.reconcilers()
        assert type(caught.value) is HummingbirdError
        assert "secret" not in str(caught.value)


def test_without_a_conductor_a_call_ends_in_time(url: str) -> None:
    way = transport(url)
    client = ConductorClient(way, timeout_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(ConductorUnavailable):
        client.ping()
    # By itself oslo.messaging would wait for a minute.
    assert time.monotonic() - began < 20
    client.close()
    way.cleanup()


def test_a_broker_that_is_away_holds_nobody_up(
    absent_broker: AbsentBroker, host: str
) -> None:
    ways = [transport(absent_broker.url) for _ in range(2)]
    client = ConductorClient(ways[0], timeout_seconds=0.5)
    server = make_server(ways[1], Conductor(), host)
    began = time.monotonic()
    server.start()
    # Each would take a second or more in the caller's thread.
    for number in range(30):
        client.nudge(f"reconciler-{number}")
    assert time.monotonic() - began < 10

    with pytest.raises(ConductorUnavailable):
        client.reconcilers()
    assert time.monotonic() - began < 20
    assert not server.is_listening()

    stopping = time.monotonic()
    server.stop()
    client.close()
    # It would wait for five seconds for one that listens.
    assert time.monotonic() - stopping < 4


def test_calls_do_not_pile_up_behind_a_broker_that_is_away(
    absent_broker: AbsentBroker,
) -> None:
    client = ConductorClient(transport(absent_broker.url), timeout_seconds=0.1)
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(ConductorUnavailable):
            client.ping()
    assert threading.active_count() <= before + 8
    client.close()


def test_a_broker_may_go_and_come_back(broker: Broker, host: str) -> None:
    conductor = Conductor()
    way = transport(broker.url)
    client = ConductorClient(way, timeout_seconds=1)
    with serving(broker.url, conductor, host):
        client.nudge("run")
        assert eventually(lambda: conductor.nudges == ["run"])
        broker.stop()
        with pytest.raises(ConductorUnavailable):
            client.ping()
        client.nudge("lost")

        broker.start()

        def answers() -> bool:
            try:
                return client.ping() == host
            except ConductorUnavailable:
                return False

        assert eventually(answers, seconds=60)

        def arrives() -> bool:
            client.nudge("again")
            return eventually(lambda: "again" in conductor.nudges, seconds=1)

        assert eventually(arrives, seconds=30)
    client.close()
    way.cleanup()
