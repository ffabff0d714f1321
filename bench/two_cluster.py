# SPDX-License-Identifier: Apache-2.0
"""One pretended Kubernetes, shared by processes over a unix socket.

The server holds tests/fakes/cluster.py and one pretended helm release; a client has the
methods of adapters.kubernetes.cluster.Cluster and those of the fake, for the processes of
the product and for the hosts.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Final

from hummingbird import errors
from hummingbird.adapters.kubernetes.cluster import DrainResult
from hummingbird.errors import HummingbirdError, KubernetesUnavailable
from tests.fakes.cluster import FakeCluster

ANSWER_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 5.0
"""Between two signs of life of the pretended kubelets."""


class Kubernetes(FakeCluster):
    """The cluster, and the release that is in it."""

    def __init__(self) -> None:
        super().__init__(api_endpoints=("10.77.0.1:6443",))
        self.values: Mapping[str, Any] | None = None
        self.upgrades = 0
        self._installing = threading.Lock()

    def ensure_release(self, values: Mapping[str, Any]) -> bool:
        """Have the agents' chart installed with these values; return whether it was not."""
        with self._installing:
            if self.values == values:
                return False
            self.values = values
            self.upgrades += 1
            return True

    def release_values(self) -> Mapping[str, Any] | None:
        """Return what the chart was installed with."""
        return self.values

    def release_upgrades(self) -> int:
        """Return how often it was changed."""
        return self.upgrades

    def renew_leases(self) -> None:
        """Do what all kubelets do."""
        for name, node in list(self._nodes.items()):
            if node.ready:
                with contextlib.suppress(KeyError):
                    self.renew_lease(name)


class Server:
    """Serves a Kubernetes at a unix socket, in threads of this process."""

    def __init__(self, path: Path) -> None:
        self.kubernetes = Kubernetes()
        self._listener = Listener(str(path), family="AF_UNIX", backlog=64)
        self._stopping = threading.Event()
        threading.Thread(target=self._accept, name="kubernetes", daemon=True).start()
        threading.Thread(target=self._live, name="kubelets", daemon=True).start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True
            ).start()

    def _live(self) -> None:
        while not self._stopping.wait(LEASE_SECONDS):
            self.kubernetes.renew_leases()

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        with connection, contextlib.suppress(EOFError, OSError):
            while True:
                name, arguments, options = connection.recv()
                try:
                    answer = getattr(self.kubernetes, name)(*arguments, **options)
                except HummingbirdError as error:
                    connection.send(("error", type(error).__name__, error.facts))
                else:
                    connection.send(("ok", answer, None))

    def stop(self) -> None:
        """Serve nobody any more."""
        self._stopping.set()
        self._listener.close()


class SharedCluster:
    """A client; threads may share it."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._local = threading.local()

    def drain(self, _name: str, **_options: object) -> DrainResult:
        """Nothing runs there that could be moved."""
        return DrainResult(0, ())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> Any:
            return self._call(name, arguments, options)

        return call

    def _call(self, name: str, arguments: object, options: object) -> Any:
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = Client(self._path, family="AF_UNIX")
                self._local.connection = connection
            connection.send((name, arguments, options))
            if not connection.poll(ANSWER_SECONDS):
                raise OSError("no answer")
            kind, value, facts = connection.recv()
        except (OSError, EOFError) as error:
            self._local.connection = None
            raise KubernetesUnavailable(message=str(error)) from error
        if kind == "error":
            raise getattr(errors, value)(**facts)
        return value


class SharedRelease:
    """The helm release, as adapters.helm.release has it."""

    def __init__(self, cluster: SharedCluster) -> None:
        self._cluster = cluster

    def ensure(self, values: Mapping[str, object]) -> bool:
        """Install or upgrade it; return whether that changed anything."""
        return bool(self._cluster.ensure_release(dict(values)))
