# SPDX-License-Identifier: Apache-2.0
"""`hummingbird up` as a process: ready, useful without Kubernetes, gone in order."""

import hashlib
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes.fm import TOKEN, FakeFm
from tests.free_port import free_port

AWAY = json.dumps(
    {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "x"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
)
"""A kubeconfig of a cluster at whose address nobody listens."""


class Up:
    """One `hummingbird up` on a state directory."""

    def __init__(self, directory: Path, *, more: str = "") -> None:
        """:param more: further lines of its configuration."""
        self.state = directory / "state"
        self.config = directory / "hummingbird.conf"
        self.port = free_port()
        self.config.write_text(
            f"[DEFAULT]\nstate_directory = {self.state}\n"
            f"[api]\nport = {self.port}\nfm_port = {free_port()}\n"
            f"[gateway]\nbind = 127.0.0.1\nport = {free_port()}\n"
            "advertise = 127.0.0.1\n"
            f"[kubernetes]\nkubeconfig = {directory / 'none'}\n"
            "[provisioning]\nconnect_timeout_seconds = 1\n" + more
        )
        self.process = self.launch()

    def launch(self) -> "subprocess.Popen[str]":
        argv = ["-m", "hummingbird.cmd.up", "--config-file", str(self.config)]
        return subprocess.Popen(
            [sys.executable, *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
            umask=0o022,
        )

    def await_ready(self) -> str:
        """Return the line that says so."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=90)
        return self.process.returncode

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        left = json.loads((self.state / "client.json").read_text())
        token = Path(left["token_file"]).read_text()
        return requests.request(
            method,
            left["url"] + path,
            json=body,
            headers={"X-Auth-Token": token},
            verify=left["ca_file"],
            timeout=90,
        )

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    yield up
    if up.process.poll() is None:
        up.process.kill()
        up.process.communicate()


def add(up: Up, name: str) -> None:
    credential = {
        "name": "default",
        "user": "edge",
        "password": "secret",
        "password_on_first_contact": True,
    }
    assert up.ask("POST", "/v1/credentials", credential).status_code < 300
    host = {
        "hostname": name,
        "personality": "edgeworker",
        "mgmt_mac": "02:00:00:00:00:01",
        "mgmt_ip": "192.168.204.101",
    }
    assert up.ask("POST", "/v1/ihosts", host).status_code == 200


def act(up: Up, name: str, action: str) -> None:
    patch = [{"op": "replace", "path": "/action", "value": action}]
    answer = up.ask("PATCH", f"/v1/ihosts/{name}", patch)
    assert answer.status_code == 200, answer.text


def await_run(up: Up, name: str, *states: str) -> Any:
    deadline = time.monotonic() + 90
    while (run := up.get(f"/v1/runs/{name}"))["state"] not in states:
        assert time.monotonic() < deadline, run
        time.sleep(0.05)
    return run


def test_it_is_ready_and_leaves_what_the_command_line_reads(up: Up) -> None:
    assert up.await_ready().startswith(
        f"Hummingbird is ready at https://127.0.0.1:{up.port}"
    )
    assert up.process.stdout is not None
    shown = up.process.stdout.readline()
    left = up.state / "client.json"
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    said = json.loads(left.read_text())
    assert set(said) == {"url", "token_file", "fm_url", "ca_file", "auth_strategy"}
    authority = ssl.PEM_cert_to_DER_cert(Path(said["ca_file"]).read_text())
    digest = hashlib.sha256(authority).hexdigest().upper()
    assert shown.strip().removeprefix("Certificate: SHA-256 ").split(":") == [
        digest[at : at + 2] for at in range(0, 64, 2)
    ]
    assert stat.S_IMODE(up.state.stat().st_mode) == 0o700
    deadline = time.monotonic() + 90
    names: set[str] = set()
    while not {"liveness", "alarm", "orphan"} <= names:
        assert time.monotonic() < deadline, names
        names = {r["name"] for r in up.get("/v1/reconcilers")["reconcilers"]}
    assert up.end() == 0
    assert not left.exists()


def test_nothing_that_it_keeps_is_for_others_to_read(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    (state / "secret.key.old").write_text("x")
    (state / "secret.key.old").chmod(0o644)
    up = Up(tmp_path)
    try:
        up.await_ready()
        add(up, "edge-0")
        act(up, "edge-0", "unlock")
        await_run(up, "edge-0", "failed")
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        kept = [path for path in state.rglob("*") if path.suffix != ".crt"]
        assert {"hummingbird.sqlite", "secret.key.old"} <= {path.name for path in kept}
        for path in kept:
            assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path
        assert up.end() == 0
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.communicate()


def test_a_state_directory_that_others_may_write_into_is_not_used(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    up = Up(tmp_path)
    assert up.process.wait(90) == 1
    up.process.communicate()
    assert list(state.iterdir()) == []


def test_without_kubernetes_an_unlock_says_what_is_missing(up: Up) -> None:
    up.await_ready()
    add(up, "edge-0")
    act(up, "edge-0", "unlock")
    run = await_run(up, "edge-0", "failed")
    assert run["error_code"] == "hummingbird.kubernetes.kubeconfig_unusable"
    assert "kubeconfig" in run["error"]
    host = up.get("/v1/ihosts/edge-0")
    assert (host["administrative"], host["availability"]) == ("locked", "offline")
    assert up.end() == 0


def test_a_request_that_was_accepted_survives_a_kill(up: Up) -> None:
    # A cluster that is away: the run still tries when the process is killed.
    (up.config.parent / "none").write_text(AWAY)
    up.await_ready()
    add(up, "edge-0")
    act(up, "edge-0", "unlock")
    up.process.kill()
    up.process.communicate()
    up.process = up.launch()
    up.await_ready()
    run = await_run(up, "edge-0", "failed")
    assert run["error_code"] == "hummingbird.kubernetes.unavailable"
    assert up.get("/v1/ihosts/edge-0")["task"].startswith("Unlocking failed")
    assert up.end() == 0


def test_faults_go_to_the_fm_that_is_configured(tmp_path: Path) -> None:
    fm = FakeFm()
    (tmp_path / "fm.token").write_text(TOKEN)
    up = Up(
        tmp_path,
        more=f"[fm]\nurl = {fm.url}\ntoken_file = {tmp_path / 'fm.token'}\n"
        "retry_seconds = 0.2\n",
    )
    try:
        up.await_ready()
        add(up, "edge-0")
        deadline = time.monotonic() + 90
        while not fm.events:
            assert time.monotonic() < deadline, up.get("/v1/reconcilers")
            time.sleep(0.05)
        assert fm.told() == [("log", "200.020")]
        assert fm.events[0]["entity_instance_id"] == "host=edge-0.event=add"
        assert up.end() == 0
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.communicate()
        fm.stop()
