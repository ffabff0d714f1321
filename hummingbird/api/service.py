# SPDX-License-Identifier: Apache-2.0
"""Serves the REST API over HTTP: threaded WSGI servers around api/app.py.

One listens on sysinv's port and serves everything; another, unless it is switched off, on
FM's port, and serves alarms and events there as well. `start` returns when the ports are
bound, so that a caller may connect at once; `stop` lets running requests finish. Nothing
is kept in memory between requests.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from cheroot.wsgi import Server

from hummingbird.api.app import WsgiApplication, build
from hummingbird.api.call import MAX_BODY_BYTES
from hummingbird.api.neighbour import NeighbourNames
from hummingbird.api.parts import Parts, WaitingRoom, no_reports
from hummingbird.api.routes import FAULT_ROUTES
from hummingbird.api.sysinv import Sysinv
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.db.session import Database
from hummingbird.secretbox import SecretBox, write_secret_once

FAULT_THREADS: Final = 4
"""Enough for people who look at alarms; `[api]threads` where that is less."""


def token_file(conf: Conf) -> Path:
    """Return where the API's token is or will be."""
    if conf.api.token_file:
        return Path(conf.api.token_file)
    return state_directory(conf) / "token"


def read_token(conf: Conf) -> str:
    """Return the API's token; made, in a file of mode 0600, if there is none."""
    path = token_file(conf)
    write_secret_once(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()


class ApiService:
    """The REST API, listening."""

    def __init__(
        self,
        conf: Conf,
        database: Database,
        clock: Clock,
        box: SecretBox,
        nudge: Callable[[str], None],
        *,
        reconcilers: Callable[[], Sequence[dict[str, Any]]] = no_reports,
        sysinv: Sysinv | None = None,
    ) -> None:
        """
        :param nudge: hurries the conductor; called with "run" after each commit that
            queued work, with a reconciler's name where that one has something to do.
        :param reconcilers: returns the last report of each reconciler.
        :param sysinv: the real one that the API stands before, if any.
        """
        threads = conf.api.threads
        self.token_file = token_file(conf)
        self._parts = Parts(
            conf=conf,
            database=database,
            clock=clock,
            box=box,
            nudge=nudge,
            reconcilers=reconcilers,
            neighbour=NeighbourNames(clock),
            waiting_room=WaitingRoom(threads // 2),
        )
        token = read_token(conf)
        self._server = _listener(
            conf,
            build(self._parts, token=token, sysinv=sysinv),
            port=conf.api.port,
            # Who waits for sysinv takes no thread from who does not.
            threads=threads + (conf.sysinv.passages if sysinv is not None else 0),
        )
        if sysinv is not None:
            # What goes to sysinv may be large; who is before it sees to the rest.
            self._server.max_request_body_size = 0
        self._fault_server: Server | None = None
        if conf.api.fm_port:
            self._fault_server = _listener(
                conf,
                build(self._parts, token=token, routes=FAULT_ROUTES),
                port=conf.api.fm_port,
                threads=min(threads, FAULT_THREADS),
            )
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it listens, e.g. http://127.0.0.1:6385; known after `start`."""
        return _url(self._server)

    @property
    def fm_url(self) -> str:
        """Where clients of fault management find it; known after `start`."""
        return _url(self._fault_server or self._server)

    @property
    def waiting(self) -> int:
        """How many requests wait for news now."""
        return self._parts.waiting_room.taken

    def start(self) -> None:
        """Bind the ports and serve from threads of their own.

        :raises OSError: the address can't be bound.
        """
        servers = {"api": self._server}
        if self._fault_server is not None:
            servers["api-fm"] = self._fault_server
        for server in servers.values():
            try:
                server.prepare()
            except OSError:
                self._server.stop()
                raise
        for name, server in servers.items():
            thread = threading.Thread(target=server.serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop listening, let running requests end; safe to call twice."""
        self._parts.stopping.set()
        if self._threads:
            for server in (self._fault_server, self._server):
                if server is not None:
                    server.stop()
            for thread in self._threads:
                thread.join()
            self._threads.clear()


def _listener(
    conf: Conf, application: WsgiApplication, *, port: int, threads: int
) -> Server:
    server = Server(
        (conf.api.bind, port),
        application,
        numthreads=threads,
        max=threads,
        server_name="hummingbird",
        request_queue_size=128,
        timeout=60,
        shutdown_timeout=5,
    )
    # The application refuses what is over its limit in words that clients parse; the
    # server's own limit is for what the application does not read.
    server.max_request_body_size = 2 * MAX_BODY_BYTES
    server.max_request_header_size = 64 * 1024
    return server


def _url(server: Server) -> str:
    host, port = server.bind_addr[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
