# SPDX-License-Identifier: Apache-2.0
"""Peers that connect and say nothing, or say it a byte at a time, or ask for new keys over
and over, keep nobody out.

`bench/attack.py` measures how long an honest request takes meanwhile; here it only has to
come through, on a machine that may be ten times slower.
"""

import functools
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from agents.link.exchange import post
from hummingbird.adapters.prometheus.listener import MetricsListener
from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import open_database
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import new
from hummingbird.httpd.limits import raise_file_limit
from tests.free_port import free_port
from tests.functional.gateway.conftest import Site
from tests.functional.gateway.conftest import site as site
from tests.functional.gateway.conftest import template as template

ROOT = Path(__file__).resolve().parents[2]
SOURCES = 50
SILENT, SLOW = 500, 60
HONEST = 20
PATIENCE = 10.0
"""Seconds for one honest request; the server that was here before took 60 at least."""

Ask = Callable[[], None]


@contextmanager
def attacked(port: int, kind: str, count: int) -> Iterator[None]:
    """Have so many peers of this kind at a port, inside the block."""
    program = ROOT / "bench" / "attack_peers.py"
    words = [sys.executable, str(program), kind, str(port), str(count), str(SOURCES)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], 60.0)[0], "no attack came"
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        said, _ = process.communicate(timeout=60)
    assert int(said) >= count


def holds(
    ask: Ask,
    *,
    port: int,
    kinds: tuple[str, ...] = ("silent", "drip", "body", "new_keys"),
) -> None:
    """See that honest requests come through while each kind attacks."""
    raise_file_limit()
    for kind in kinds:
        with attacked(port, kind, SILENT if kind == "silent" else SLOW):
            for _ in range(HONEST):
                began = time.monotonic()
                ask()
                assert time.monotonic() - began < PATIENCE, kind


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiService]:
    state = tmp_path / "api"
    conf = new()
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("state_directory", str(state))
    conf.set_override("port", free_port(), group="api")
    conf.set_override("fm_port", free_port(), group="api")
    conf.set_override("threads", 2, group="api")
    database = open_database(conf, SystemClock())
    made = ApiService(
        conf,
        database,
        SystemClock(),
        adopt(conf, database, SystemClock()),
        lambda _: None,
        certificate=lambda: api_certificate(conf),
    )
    made.start()
    yield made
    made.stop()
    database.dispose()


@pytest.mark.parametrize("door", ["api", "fm"])
def test_the_api_answers_while_peers_attack(api: ApiService, door: str) -> None:
    url, path = (api.url, "/v1/ihosts") if door == "api" else (api.fm_url, "/v1/alarms")
    assert api.certificate is not None
    get = functools.partial(
        requests.get,
        f"{url}{path}",
        headers={"X-Auth-Token": api.token_file.read_text()},
        verify=str(api.certificate.ca_path),
        timeout=PATIENCE,
    )

    def ask() -> None:
        assert get().status_code == 200

    holds(ask, port=int(url.rpartition(":")[2]))


def test_the_gateway_opens_sessions_while_peers_attack(site: Site) -> None:
    gateway = site.start_gateway(session_seconds=600)
    opener = site.opener(gateway, node_name="edge-0")
    holds(lambda: opener.open(boot_id="b") and None, port=gateway.port)


def test_metrics_are_told_while_peers_are_silent() -> None:
    listener = MetricsListener(list, bind="127.0.0.1", port=0, clock=SystemClock())
    listener.start()

    def ask() -> None:
        answer = requests.get(
            f"http://127.0.0.1:{listener.port}/metrics", timeout=PATIENCE
        )
        assert b"hummingbird_scrape_failed" in answer.content

    try:
        holds(ask, port=listener.port, kinds=("silent",))
    finally:
        listener.stop()


def test_what_they_do_is_told_in_a_line_a_minute(
    site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    gateway = site.start_gateway(session_seconds=600)
    at = site.at(gateway)
    with attacked(gateway.port, "silent", SILENT):
        assert post(at, "/v1/sessions", body=b"{}").status == 400
    gateway.stop()
    assert capsys.readouterr().err == ""
    told = [one for one in caplog.records if one.name.startswith("hummingbird.httpd")]
    assert len(told) <= 2
