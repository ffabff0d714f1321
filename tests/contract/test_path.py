# SPDX-License-Identifier: Apache-2.0
"""What every Path keeps: the fake one, and ping and SSH in a network namespace.

The namespaces are the test's own: this machine, and a host behind one cable. Needs root,
nft, sshd's keys are not needed: the servers are a few lines each.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path as File
from typing import Protocol
from uuid import uuid4

import pytest

from hummingbird.domain.trace import Ssh
from tests.fakes.path import FakePath

ROOT = File(__file__).parents[2]
HOST, NOBODY = "10.20.0.11", "10.20.0.99"

_ASK = """
import sys
from hummingbird.adapters.path.look import SystemPath
path, what, address = SystemPath(), sys.argv[1], sys.argv[2]
if what == "ping":
    size = int(sys.argv[3]) if sys.argv[3:] else None
    print(path.ping(address, size=size))
else:
    print(path.ssh(address, port=int(sys.argv[3])))
"""
_SERVERS = """
import socket, time
servers = []
for port, says in ((22, b"SSH-2.0-test\\r\\n"), (23, b"")):
    server = socket.create_server(("", port))
    servers.append((server, says))
print("listening", flush=True)
kept = []
import threading
def serve(server, says):
    while True:
        plug, _ = server.accept()
        plug.sendall(says)
        kept.append(plug)
for one in servers:
    threading.Thread(target=serve, args=one, daemon=True).start()
time.sleep(600)
"""


class World(Protocol):
    """A host at HOST, with an SSH server on port 22 and one that hangs on port 23."""

    def ping(self, address: str, size: int | None = None) -> bool: ...

    def ssh(self, address: str, port: int) -> Ssh: ...

    def drop_large(self, size: int) -> None:
        """Let packets of more than `size` bytes vanish."""


class FakeWorld:
    def __init__(self) -> None:
        self._path = FakePath()
        self._path.fits[HOST] = 1500
        self._hung = FakePath()
        self._path.servers[HOST] = Ssh.ANSWERS
        self._hung.servers[HOST] = Ssh.HUNG
        self._refusing = FakePath()
        self._refusing.servers[HOST] = Ssh.REFUSED

    def ping(self, address: str, size: int | None = None) -> bool:
        return self._path.ping(address, size=size)

    def ssh(self, address: str, port: int) -> Ssh:
        by_port = {22: self._path, 23: self._hung, 24: self._refusing}
        return by_port[port].ssh(address, port=port)

    def drop_large(self, size: int) -> None:
        self._path.fits[HOST] = size


class RealWorld:
    def __init__(self) -> None:
        unique = uuid4().hex[:6]
        self.here, self.host = f"hb-pa-{unique}", f"hb-pb-{unique}"
        for place in (self.here, self.host):
            _run("ip", "netns", "add", place)
            _run("ip", "-n", place, "link", "set", "lo", "up")
        _run(
            *("ip", "-n", self.here, "link", "add", "eth0", "type", "veth"),
            *("peer", "name", "eth0", "netns", self.host),
        )
        for place, address in ((self.here, "10.20.0.1"), (self.host, HOST)):
            _run("ip", "-n", place, "address", "add", f"{address}/24", "dev", "eth0")
            _run("ip", "-n", place, "link", "set", "eth0", "up")
        self._servers = subprocess.Popen(
            ["ip", "netns", "exec", self.host, sys.executable, "-c", _SERVERS],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._servers.stdout is not None
        assert self._servers.stdout.readline() == "listening\n"

    def end(self) -> None:
        self._servers.kill()
        self._servers.wait()
        for place in (self.here, self.host):
            _run("ip", "netns", "del", place)

    def ping(self, address: str, size: int | None = None) -> bool:
        rest = [] if size is None else [str(size)]
        return self._ask("ping", address, *rest) == "True"

    def ssh(self, address: str, port: int) -> Ssh:
        return Ssh(self._ask("ssh", address, str(port)))

    def drop_large(self, size: int) -> None:
        rules = (
            "table inet t {\n chain in {\n type filter hook input priority 0;\n"
            f" meta length > {size} drop\n }}\n}}\n"
        )
        argv = ["ip", "netns", "exec", self.host, "nft", "-f", "-"]
        subprocess.run(argv, input=rules, text=True, check=True)

    def _ask(self, *words: str) -> str:
        argv = ("ip", "netns", "exec", self.here, sys.executable, "-c", _ASK)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return _run(*argv, *words, env=env).strip()


def _run(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


@pytest.fixture
def real() -> Iterator[RealWorld]:
    made = RealWorld()
    yield made
    made.end()


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld()
    made: World = request.getfixturevalue("real")
    return made


def test_who_is_there_answers_and_nobody_does_not(world: World) -> None:
    assert world.ping(HOST)
    assert world.ping(HOST, 1500)
    assert not world.ping(NOBODY)


def test_large_packets_that_vanish_are_noticed(world: World) -> None:
    world.drop_large(1400)
    assert world.ping(HOST)
    assert world.ping(HOST, 1400)
    assert not world.ping(HOST, 1500)


@pytest.mark.parametrize(
    ("port", "seen"), [(22, Ssh.ANSWERS), (23, Ssh.HUNG), (24, Ssh.REFUSED)]
)
def test_a_server_answers_hangs_or_is_not_there(
    world: World, port: int, seen: Ssh
) -> None:
    assert world.ssh(HOST, port) is seen


def test_where_nobody_is_nothing_comes_back(world: World) -> None:
    assert world.ssh(NOBODY, 22) is Ssh.SILENT


def test_no_look_takes_for_ever(real: RealWorld) -> None:
    began = time.monotonic()
    real.ssh(HOST, 23)
    real.ping(NOBODY, 1500)
    assert time.monotonic() - began < 45
    assert socket.getdefaulttimeout() is None
