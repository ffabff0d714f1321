# SPDX-License-Identifier: Apache-2.0
"""A hundred clients add hosts at once, over HTTP: no address is anybody's twice, and the
only refusals are those of what somebody else has."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.conf import new
from hummingbird.db.repository import event_suppression, system
from hummingbird.db.session import Database
from hummingbird.domain.alarm_catalogue import CATALOGUE
from hummingbird.secretbox import SecretBox

CLIENTS = 100
TIMEOUT_SECONDS = 120
"""Long, since a test machine may be busy with others; nothing here waits for it."""


class Api:
    """The server, and a client's session for each thread."""

    def __init__(self, service: ApiService) -> None:
        self.url = f"{service.url}/v1"
        self._token = service.token_file.read_text()
        assert service.certificate is not None
        self._authority = str(service.certificate.ca_path)
        self._local = threading.local()

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.verify = self._authority
            session.headers["X-Auth-Token"] = self._token
        answer: requests.Response = session.request(
            method, f"{self.url}/{path}", json=body, timeout=TIMEOUT_SECONDS
        )
        return answer

    def add(self, number: int, **more: object) -> requests.Response:
        body = {
            "hostname": f"edge-{number}",
            "personality": "edgeworker",
            "mgmt_mac": f"52:54:00:00:{number // 256:02x}:{number % 256:02x}",
            **more,
        }
        return self.call("POST", "ihosts", body)

    def at_once(
        self, count: int, act: Callable[[int], requests.Response]
    ) -> list[requests.Response]:
        """Do it `count` times, all of them begun before one has ended."""
        barrier = threading.Barrier(count)

        def one(number: int) -> requests.Response:
            barrier.wait(TIMEOUT_SECONDS)
            return act(number)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    def addresses(self) -> list[str]:
        listed = self.call("GET", "addresses").json()["addresses"]
        return [one["address"] for one in listed]


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Iterator[Api]:
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(tmp_path / "state"))
    conf.set_override("port", 0, group="api")
    conf.set_override("fm_port", 0, group="api")
    clock = SystemClock()
    with database.writer() as connection:
        system.seed(
            connection, name="test", mn_cidr="192.168.204.0/24", now=clock.now()
        )
        event_suppression.sync(connection, CATALOGUE.values())
    box = SecretBox.from_file(tmp_path / "secret.key")
    service = ApiService(
        conf,
        database,
        clock,
        box,
        lambda _name: None,
        certificate=lambda: api_certificate(conf),
    )
    service.start()
    yield Api(service)
    service.stop()


def codes(answers: list[requests.Response]) -> Counter[str]:
    """Count what was answered: "200", or a refusal's status and code."""

    def of(answer: requests.Response) -> str:
        if answer.ok:
            return str(answer.status_code)
        fault: dict[str, Any] = json.loads(answer.json()["error_message"])
        return f"{answer.status_code} {fault['code']}"

    return Counter(of(answer) for answer in answers)


@pytest.mark.parametrize("order", ["random", "sequential"])
def test_a_hundred_are_given_an_address_each(api: Api, order: str) -> None:
    api.call("POST", "emns", {"name": "shops", "cidr": "10.20.0.0/25,fd00:20::/64"})
    for family in (4, 6):
        api.call("PATCH", f"addrpools/shops-ipv{family}", {"order": order})
    answers = api.at_once(CLIENTS, lambda number: api.add(number, emn="shops"))
    assert codes(answers) == {"200": CLIENTS}
    given = [answer.json()["mgmt_ip"] for answer in answers]
    assert len(set(given)) == CLIENTS
    held = api.addresses()
    assert len(held) == len(set(held)) == 2 * CLIENTS
    assert set(given) < set(held)


def test_of_a_hundred_that_choose_ten_addresses_ten_get_them(api: Api) -> None:
    answers = api.at_once(
        CLIENTS,
        lambda number: api.add(number, mgmt_ip=f"192.168.204.{10 + number % 10}"),
    )
    assert codes(answers) == {"200": 10, "409 hummingbird.host.address_taken": 90}
    assert sorted(api.addresses()) == [f"192.168.204.{10 + n}" for n in range(10)]
    assert len(api.call("GET", "ihosts").json()["ihosts"]) == 10


def test_chosen_and_given_addresses_fill_a_pool_without_a_clash(api: Api) -> None:
    api.call("POST", "emns", {"name": "shops", "cidr": "10.20.0.0/26"})

    def add(number: int) -> requests.Response:
        if number % 2:
            return api.add(number, emn="shops")
        return api.add(number, mgmt_ip=f"10.20.0.{1 + number // 2}")

    answers = api.at_once(CLIENTS, add)
    seen = codes(answers)
    assert set(seen) <= {
        "200",
        "409 hummingbird.host.address_taken",
        "409 hummingbird.address_pool.full",
    }
    held = api.addresses()
    assert len(held) == len(set(held)) == seen["200"]
    # A chosen address was refused to who came second, and to nobody else.
    assert {f"10.20.0.{n}" for n in range(1, 51)} <= set(held)
    if seen["409 hummingbird.address_pool.full"]:
        assert len(held) == 62


def test_twins_are_refused_in_clean_words(api: Api) -> None:
    answers = api.at_once(
        CLIENTS,
        lambda number: api.add(number % 20, mgmt_ip=f"192.168.204.{50 + number % 20}"),
    )
    assert codes(answers) == {"200": 20, "400 hummingbird.host.hostname_taken": 80}


def test_of_many_hosts_that_are_moved_to_one_address_one_has_it(api: Api) -> None:
    count = 20
    for number in range(count):
        assert api.add(number, mgmt_ip=f"192.168.204.{100 + number}").ok

    def move(number: int) -> requests.Response:
        patch = [{"op": "replace", "path": "/mgmt_ip", "value": "192.168.204.7"}]
        return api.call("PATCH", f"ihosts/edge-{number}", patch)

    answers = api.at_once(count, move)
    assert codes(answers) == {"200": 1, "409 hummingbird.host.address_taken": count - 1}
    held = api.addresses()
    assert len(held) == len(set(held)) == count
    hosts = api.call("GET", "ihosts").json()["ihosts"]
    assert sorted(host["mgmt_ip"] for host in hosts) == sorted(held)


def test_a_host_that_is_moved_and_deleted_at_once_leaves_no_address(api: Api) -> None:
    for round_ in range(5):
        assert api.add(round_, mgmt_ip="192.168.204.100").ok

        def act(number: int, name: str = f"ihosts/edge-{round_}") -> requests.Response:
            if number == 0:
                return api.call("DELETE", name)
            address = f"192.168.204.{number}"
            patch = [{"op": "replace", "path": "/mgmt_ip", "value": address}]
            return api.call("PATCH", name, patch)

        seen = codes(api.at_once(6, act))
        assert set(seen) <= {
            "200",
            "204",
            "404 hummingbird.host.not_found",
            "409 hummingbird.host.generation_conflict",
        }
        assert seen["204"] + seen["409 hummingbird.host.generation_conflict"] >= 1
        api.call("DELETE", f"ihosts/edge-{round_}")
        assert api.addresses() == []
