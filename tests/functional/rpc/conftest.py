# SPDX-License-Identifier: Apache-2.0
"""A RabbitMQ of the tests' own: its own ports, folder and epmd, on loopback only."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_port import free_port

READY_SECONDS = 60


class Broker:
    """One RabbitMQ node, which can be taken away and brought back."""

    def __init__(self, folder: Path, *, password: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        password = password or "guest"
        self.url = f"rabbit://guest:{password}@127.0.0.1:{self.port}/"
        self._password = password
        self._epmd_port = free_port()
        self._dist_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node and return when it accepts connections."""
        if self._epmd is None:
            # Started by us, or the node would leave one behind that outlives it.
            self._epmd = self._run(
                "epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)
            )
        program = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin")
        self._node = self._run(program or "rabbitmq-server")
        deadline = time.monotonic() + READY_SECONDS
        while not self._speaks_amqp():
            assert self._node.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def stop(self) -> None:
        """End the node as a power cut would: it is gone at once."""
        if self._node is not None:
            os.killpg(self._node.pid, signal.SIGKILL)
            self._node.wait()
            self._node = None

    def end(self) -> None:
        """End everything."""
        self.stop()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()

    def log(self) -> str:
        """Return what the node said."""
        return (self.folder / "output").read_text(errors="replace")[-4000:]

    def _run(self, *argv: str) -> subprocess.Popen[bytes]:
        # A group of its own: the server's start script has children.
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                argv,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        config = self.folder / "rabbitmq.conf"
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file.level = warning\n"
            f"default_pass = {self._password}\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        return {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONFIG_FILE": str(config.with_suffix("")),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface "
            "{127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _speaks_amqp(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False


class AbsentBroker:
    """A broker that is away; once it comes, the one behind it answers in its place."""

    def __init__(self, behind: Broker) -> None:
        self._port = free_port()
        self._behind = behind
        self._links: list[socket.socket] = []
        self.url = f"rabbit://guest:guest@127.0.0.1:{self._port}/"

    def come(self) -> None:
        """Answer from now on."""
        self._links.append(socket.create_server(("127.0.0.1", self._port)))
        threading.Thread(target=self._relay, daemon=True).start()

    def leave(self) -> None:
        """End, with all that goes through it."""
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _relay(self) -> None:
        listening = self._links[0]
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self._behind.port))
                self._links += (near, far)
                for way in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=way, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def absent_broker(broker: Broker) -> Iterator[AbsentBroker]:
    """A broker that nobody reaches, until the test is over: threads that still try then
    (oslo.messaging does so for ever) get through, and end."""
    absent = AbsentBroker(broker)
    yield absent
    absent.come()
    deadline = time.monotonic() + 120
    while left := [one for one in threading.enumerate() if one.name.startswith("rpc-")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    absent.leave()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A RabbitMQ that runs; a test that stops it starts it again."""
    broker = Broker(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.end()
