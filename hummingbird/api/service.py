# SPDX-License-Identifier: Apache-2.0
"""Serves the REST API over HTTP: a threaded WSGI server around api/app.py.

`start` returns when the port is bound, so that a caller may connect at once; `stop`
lets running requests finish. Nothing is kept in memory between requests.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cheroot.wsgi import Server

from hummingbird.api.app import build
from hummingbird.api.call import MAX_BODY_BYTES
from hummingbird.api.parts import Parts, WaitingRoom, no_reports
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.db.session import Database
from hummingbird.secretbox import SecretBox, write_secret_once


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
        nudge: Callable[[], None],
        *,
        reconcilers: Callable[[], Sequence[dict[str, Any]]] = no_reports,
    ) -> None:
        """
        :param nudge: hurries the conductor; called after each commit that queued work.
        :param reconcilers: returns the last report of each reconciler.
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
            waiting_room=WaitingRoom(threads // 2),
        )
        self._server = Server(
            (conf.api.bind, conf.api.port),
            build(self._parts, token=read_token(conf)),
            numthreads=threads,
            max=threads,
            server_name="hummingbird",
            request_queue_size=128,
            timeout=60,
            shutdown_timeout=5,
        )
        # The application refuses what is over its limit in words that clients parse;
        # the server's own limit is for what the application does not read.
        self._server.max_request_body_size = 2 * MAX_BODY_BYTES
        self._server.max_request_header_size = 64 * 1024
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, e.g. http://127.0.0.1:6385; known after `start`."""
        host, port = self._server.bind_addr[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def waiting(self) -> int:
        """How many requests wait for news now."""
        return self._parts.waiting_room.taken

    def start(self) -> None:
        """Bind the port and serve from a thread of its own.

        :raises OSError: the address can't be bound.
        """
        self._server.prepare()
        self._thread = threading.Thread(
            target=self._server.serve, name="api", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, let running requests end; safe to call twice."""
        self._parts.stopping.set()
        if self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._thread = None
