# SPDX-License-Identifier: Apache-2.0
"""The agents as the programs that the images run, against a real gateway."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hummingbird.db.repository import facts, heartbeat
from hummingbird.gateway.service import GatewayService
from tests.functional.gateway.conftest import Site

TOP = Path(__file__).resolve().parents[3]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(site: Site) -> Iterator[Start]:
    """Start an agent's program; whatever still runs at the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def go(agent: str, gateway: GatewayService) -> "subprocess.Popen[str]":
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_NAME": "edge-0",
            "GATEWAY": f"127.0.0.1:{gateway.port}",
            "CA_FILE": str(site.certificate.ca_path),
            "TOKEN_FILE": str(site.token("edge-0", agent=agent)),
            "STORE": str(site.folder),
        }
        module = f"agents.{agent.replace('-', '_')}"
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", module],
            cwd=TOP,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield go
    for process in running:
        process.kill()
        process.communicate()


def eventually(true: Callable[[], object], *, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def end(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def test_mtc_client_is_heard_and_ends_when_told(site: Site, start: Start) -> None:
    gateway = site.start_gateway()
    process = start("mtc-client", gateway)

    def beats() -> int:
        with site.database.reader() as connection:
            word = heartbeat.of_host(connection, site.hosts["edge-0"])
        return word.beats if word else 0

    eventually(lambda: beats() >= 3)
    said = end(process)
    # Changes alone are told; on a busy machine a silence may be one.
    silences = said.count("does not answer")
    assert said.count("the gateway hears this host") == 1 + silences
    assert len(said.splitlines()) == 3 + 2 * silences
    token = (site.folder / "token-edge-0-mtc-client").read_text()
    assert token not in said


def test_sysinv_agent_reports_and_ends_when_told(site: Site, start: Start) -> None:
    gateway = site.start_gateway()
    process = start("sysinv-agent", gateway)

    def known() -> object:
        with site.database.reader() as connection:
            return facts.of_host(connection, site.hosts["edge-0"])

    eventually(known)
    with site.database.reader() as connection:
        stored = facts.sections(connection, site.hosts["edge-0"])
    assert stored["system"].body["kernel_running"] == os.uname().release
    end(process)


def test_an_agent_without_settings_says_what_is_missing() -> None:
    for module in ("agents.mtc_client", "agents.sysinv_agent"):
        done = subprocess.run(
            [sys.executable, "-S", "-m", module],
            cwd=TOP,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 2
        assert "NODE_NAME and GATEWAY must be set" in done.stderr
