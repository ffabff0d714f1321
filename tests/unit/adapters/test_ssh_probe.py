# SPDX-License-Identifier: Apache-2.0
"""A host answers when its SSH server says so, not when its kernel does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hummingbird.adapters.path import look
from hummingbird.adapters.path.look import SystemPath
from hummingbird.adapters.ssh.probe import probe
from hummingbird.domain.trace import Ssh
from tests.fakes.hostile import hostile
from tests.free_port import free_port


@contextmanager
def _server(*says: bytes, close: bool = False) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def answer() -> None:
            connection, _ = listener.accept()
            kept.append(connection)
            for part in says:
                connection.sendall(part)
            if close:
                connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "says",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
        (b"S", b"SH-2.0-slow\r\n"),
        (b"Welcome\r\n", b"SSH-2.0-after a greeting\r\n"),
    ],
)
def test_a_banner_is_an_answer(says: tuple[bytes, ...]) -> None:
    with _server(*says) as port:
        assert probe("127.0.0.1", port=port, timeout_seconds=60)


def test_a_frozen_host_is_none() -> None:
    with _server() as port:
        assert not probe("127.0.0.1", port=port, timeout_seconds=0.3)


def test_another_server_is_none() -> None:
    with _server(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True) as port:
        assert not probe("127.0.0.1", port=port, timeout_seconds=60)


def test_a_closed_port_is_none() -> None:
    assert not probe("127.0.0.1", port=free_port(), timeout_seconds=60)


@pytest.mark.parametrize("says", [b"x", b"a line\n"])
def test_a_host_that_drips_holds_nobody(
    says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither who asks whether it answers, nor who traces the way to it."""
    monkeypatch.setattr(look, "SSH_SECONDS", 0.3)

    def drips(plug: socket.socket, line: str) -> None:
        while True:
            plug.sendall(says)
            time.sleep(0.05)

    with hostile(drips, speaks_first=True) as server:
        found: list[object] = []

        def ask() -> None:
            found.append(probe("127.0.0.1", port=server.port, timeout_seconds=0.3))
            found.append(SystemPath().ssh("127.0.0.1", port=server.port))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(60)
    assert found == [False, Ssh.HUNG]
