# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on one port, whose peers cost no thread while they are idle or slow.

One thread runs the event loop (`loop`): it accepts, shakes hands (TLS), reads requests and
sends what is left of answers. A request goes to a worker when all of it is there. Each
stage of a connection has its deadline (`limits`), and where there is no room left, the
source that takes the most gives way (`place`). What strangers do is counted (`tally`).
"""

import contextlib
import ipaddress
import logging
import socket
import threading
from typing import Final

from hummingbird.clock import Clock
from hummingbird.httpd.connection import Connection, Stage
from hummingbird.httpd.exchange import Application, Site, serve
from hummingbird.httpd.limits import Limits, connections_allowed
from hummingbird.httpd.loop import Loop
from hummingbird.httpd.tally import Tally
from hummingbird.httpd.worker import Workers
from hummingbird.tls import ServerTls

LOG = logging.getLogger(__name__)

BACKLOG: Final = 1024
_STOP_SECONDS: Final = 2.0
"""Beyond `Limits.stop_seconds`, for threads to end."""


class Server:
    """Serves a WSGI application on one port."""

    def __init__(
        self,
        application: Application,
        *,
        bind: str,
        port: int,
        name: str,
        threads: int,
        clock: Clock,
        limits: Limits | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        """
        :param bind: address or name; "::" means all of IPv4 too.
        :param port: 0 means any.
        :param name: of its threads, and of it in the log.
        :param threads: requests that are answered at one time.
        :param tls: None means plain HTTP.
        """
        self.tls = tls
        self._application = application
        self._bind = bind
        self._port = port
        self._name = name
        self._clock = clock
        self._limits = limits or Limits()
        self._workers: Workers[Connection] = Workers(
            self._serve, most=threads, name=name
        )
        self._site = Site(name="", port=0, scheme="http")
        self._listening: socket.socket | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it listens on; before `open`, the one that it was told."""
        return self._port

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = self._bind
        with contextlib.suppress(ValueError):
            if (address := ipaddress.ip_address(host)).is_unspecified:
                host = "127.0.0.1" if address.version == 4 else "::1"
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many there are now."""
        return 0 if self._loop is None else self._loop.connections

    @property
    def queued(self) -> int:
        """How many whole requests wait for a worker now."""
        return self._workers.queued

    def open(self) -> None:
        """Take the port; who connects waits for `start`.

        :raises OSError: it can't be had.
        """
        self._listening = _listen(self._bind, self._port)
        self._port = int(self._listening.getsockname()[1])
        self._site = Site(
            name="hummingbird",
            port=self._port,
            scheme="http" if self.tls is None else "https",
        )

    def start(self) -> None:
        """Serve from now on, from threads of its own.

        :raises OSError: the port can't be had.
        """
        if self._listening is None:
            self.open()
        assert self._listening is not None
        self._loop = Loop(
            self._listening,
            self._workers,
            limits=self._limits,
            most=min(self._limits.connections, connections_allowed()),
            wrap=None if self.tls is None else self.tls.wrap,
            tally=Tally(f"{self._name} at {self.url}"),
            clock=self._clock,
        )
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer; let what is being answered end. Safe to call twice."""
        if self._loop is not None and self._thread is not None:
            self._loop.stop()
            self._thread.join(self._limits.stop_seconds + _STOP_SECONDS)
            self._workers.stop(seconds=_STOP_SECONDS)
            self._loop = self._thread = None
        elif self._listening is not None:
            self._listening.close()
        self._listening = None

    def _run(self) -> None:
        assert self._loop is not None
        try:
            self._loop.run()
        except Exception:
            LOG.exception("%s serves no longer", self._name)

    def _serve(self, connection: Connection) -> None:
        """Answer one request, in a worker's thread."""
        loop = self._loop
        if loop is None:
            return
        connection.stage = Stage.WORKING
        is_well = False
        try:
            serve(
                connection,
                self._application,
                site=self._site,
                clock=self._clock,
                is_ending=loop.is_stopping,
            )
            is_well = True
        except OSError as error:
            LOG.debug("%s: %s", connection.peer, error)
        finally:
            loop.give_back(connection, is_well=is_well)


def _listen(bind: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    :raises OSError: it can't.
    """
    found = socket.getaddrinfo(
        bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, bind != "::")
        made.bind(address)
        made.listen(BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
