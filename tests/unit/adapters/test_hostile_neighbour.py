# SPDX-License-Identifier: Apache-2.0
"""Kubernetes, FM and Keystone, or who stands in their place, hold nobody for ever and fill
no memory."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from hummingbird.adapters.bounded import http
from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.adapters.fm import fault_manager
from hummingbird.adapters.fm.fault_manager import FaultManager
from hummingbird.adapters.kubernetes import connection
from hummingbird.errors import (
    FaultManagerUnavailable,
    HummingbirdError,
    KubernetesUnavailable,
)
from tests.fakes.hostile import (
    Answer,
    bomb,
    continues,
    drips,
    drips_a_head,
    hostile,
    never_ends,
)

SECONDS = 0.2
HELD_SECONDS = 60.0
BYTES = 1024 * 1024

every_kind = pytest.mark.parametrize(
    "answer",
    [drips, drips_a_head, never_ends, continues, bomb],
    ids=lambda one: str(one.__name__),
)


def raised(ask: Callable[[], object]) -> Exception | None:
    """Return what a call raises; it has to end."""
    found: list[Exception | None] = []

    def call() -> None:
        try:
            ask()
            found.append(None)
        except (HummingbirdError, requests.RequestException) as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(HELD_SECONDS)
    assert found, "the call is held"
    return found[0]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST_BYTES", BYTES)
    monkeypatch.setattr(fault_manager, "ANSWER_BYTES", BYTES)


@every_kind
def test_kubernetes(answer: Answer, tmp_path: Path) -> None:
    with hostile(answer) as server:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [
                        {
                            "name": "c",
                            "cluster": {"server": f"http://127.0.0.1:{server.port}"},
                        }
                    ],
                    "users": [{"name": "u", "user": {"token": "let-me-in"}}],
                    "contexts": [
                        {"name": "x", "context": {"cluster": "c", "user": "u"}}
                    ],
                    "current-context": "x",
                }
            )
        )
        asks = connection.Connection(kubeconfig, timeout_seconds=SECONDS)
        error = raised(lambda: asks.request("GET", "/version", action="look"))
    assert isinstance(error, KubernetesUnavailable)


@every_kind
def test_a_fault_manager(answer: Answer) -> None:
    with hostile(answer) as server:
        asks = FaultManager(f"http://127.0.0.1:{server.port}", timeout_seconds=SECONDS)
        error = raised(asks.standing)
    assert isinstance(error, FaultManagerUnavailable)


@every_kind
def test_any_session_of_ours(answer: Answer) -> None:
    """Keystone's is one of them."""
    session = http.bounded_session(lambda: Exchange(seconds=1, most_bytes=BYTES))
    with hostile(answer) as server:
        url = f"http://127.0.0.1:{server.port}/v3"
        error = raised(lambda: session.get(url, timeout=SECONDS))
    assert isinstance(error, requests.RequestException)


def test_a_kept_connection_is_bounded_anew_with_each_request() -> None:
    def answers(plug: Any, line: str) -> None:
        while True:
            plug.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"alarms": []}')
            if not plug.recv(65536):
                return

    with hostile(answers) as server:
        session = http.bounded_session(lambda: Exchange(seconds=60, most_bytes=1000))
        for _ in range(40):
            url = f"http://127.0.0.1:{server.port}/"
            assert session.get(url, timeout=60).json() == {"alarms": []}
        assert len(server.asked) == 1


def test_nobody_connects_outside_of_an_exchange() -> None:
    import urllib3

    manager = urllib3.PoolManager(retries=False)
    http.bind_pools(manager)
    with pytest.raises(RuntimeError, match="no deadline"):
        manager.request("GET", "http://127.0.0.1:9/")
