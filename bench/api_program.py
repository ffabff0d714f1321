# SPDX-License-Identifier: Apache-2.0
"""`hummingbird up` as a bench runs it, and an HTTP client that keeps its connection.

The program runs as an operator would start it, in a temporary state directory and on
ports that nobody uses; its Kubernetes is one that does not answer, so that the client
for it is loaded all the same.  Where it listens with TLS, the client checks its
certificate.
"""

import http.client
import json
import os
import signal
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.free_port import free_port

_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 120.0

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: none, cluster: {{server: "https://127.0.0.1:{port}"}}}}]
users: [{{name: none, user: {{token: none}}}}]
contexts: [{{name: none, context: {{cluster: none, user: none}}}}]
current-context: none
"""


class Client:
    """One connection, kept open as real clients do; raises on what is not a success."""

    def __init__(
        self, url: str, *, token: str = "", ca_file: Path | None = None
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, context=context, timeout=60
            )
        else:
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=60
            )

    def send(self, method: str, path: str, body: object = None) -> bytes:
        """Send one request and return the answer's body."""
        text = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, body=text, headers=self._headers)
            answer = self._connection.getresponse()
        except (
            http.client.RemoteDisconnected,
            ConnectionError,
            ssl.SSLEOFError,
        ):
            # The server ended a connection that was idle for too long.
            self._connection.close()
            self._connection.request(method, path, body=text, headers=self._headers)
            answer = self._connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def get(self, path: str) -> Any:
        """Return the JSON that is at `path`."""
        return json.loads(self.send("GET", path))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class Program:
    """`hummingbird up`, from its start to its end."""

    def __init__(
        self, folder: Path, *, network: str, database_url: str | None = None
    ) -> None:
        self.state = folder / "state"
        self.gateway_port = free_port()
        folder.mkdir(parents=True)
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(KUBECONFIG.format(port=free_port()))
        database = "" if database_url is None else f"[database]\nurl = {database_url}\n"
        config = folder / "hummingbird.conf"
        config.write_text(
            f"[DEFAULT]\nstate_directory = {self.state}\n"
            f"[network]\nmn_cidr = {network}\n"
            f"[api]\nport = {free_port()}\nfm_port = {free_port()}\n"
            f"[gateway]\nbind = 127.0.0.1\nport = {self.gateway_port}\n"
            "advertise = 127.0.0.1\nperiod_seconds = 600\n"
            f"[kubernetes]\nkubeconfig = {kubeconfig}\n"
            "[conductor]\nworkers = 1\n"
            f"[provisioning]\nconnect_timeout_seconds = 1\n{database}"
        )
        self._config = config
        self.log = folder / "log"
        self.start_seconds = 0.0
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def restart(self) -> None:
        """End it, and start it again on what it has stored."""
        self._end()
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "hummingbird.cmd.up"]
        argv += ["--config-file", str(self._config)]
        began = time.monotonic()
        with self.log.open("ab") as log:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        if not process.stdout.readline():
            text = self.log.read_text()[-3000:]
            raise RuntimeError(f"hummingbird up did not start:\n{text}")
        self.start_seconds = time.monotonic() - began
        return process

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=60)

    @property
    def ca_file(self) -> Path | None:
        """The certificate authority of its API, if that listens with TLS."""
        named = self._left().get("ca_file")
        return Path(named) if named else None

    def client(self) -> Client:
        """Return a client with a connection of its own."""
        left = self._left()
        token = Path(left["token_file"]).read_text().strip()
        return Client(left["url"], token=token, ca_file=self.ca_file)

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")")[1]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def rss_mb(self) -> float:
        """Return the memory that it and its children take now, in 10^6 bytes."""
        return sum(_rss_bytes(pid) for pid in self.processes()) / 1e6

    def processes(self) -> list[str]:
        """Return the numbers of its process and of that one's children."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [str(self._process.pid), *children.read_text().split()]

    def _left(self) -> dict[str, str]:
        left: dict[str, str] = json.loads((self.state / "client.json").read_text())
        return left


def _rss_bytes(pid: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def median_ms(action: Callable[[int], object], count: int, *, warm: int = 5) -> float:
    """Return the median time of `action(0)`, `action(1)`…, in ms, `warm` of them first."""
    for index in range(warm):
        action(index)
    return statistics.median(_ms(action, warm + index) for index in range(count))


def _ms(action: Callable[[int], object], index: int) -> float:
    began = time.perf_counter()
    action(index)
    return (time.perf_counter() - began) * 1000
