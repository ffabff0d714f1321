# SPDX-License-Identifier: Apache-2.0
"""Serves the REST API over HTTPS: threaded WSGI servers around api/app.py.

One listens on sysinv's port and serves everything; another, unless it is switched off, on
FM's port, and serves alarms and events there as well. `start` returns when the ports are
bound, so that a caller may connect at once; `stop` lets running requests finish. Nothing
is kept in memory between requests.
"""

import ipaddress
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cheroot.wsgi import Server

from hummingbird.api.http import audit
from hummingbird.api.http.app import WsgiApplication, build
from hummingbird.api.http.authentication import Door, TokenDoor
from hummingbird.api.http.call import MAX_BODY_BYTES
from hummingbird.api.http.dependencies import Dependencies, WaitingRoom, no_reports
from hummingbird.api.http.keystone import KeystoneDoor
from hummingbird.api.routes import FAULT_ROUTES
from hummingbird.api.schema.host_bulk import MAX_BYTES as HOSTS_FILE_BYTES
from hummingbird.api.sysinv.known_names import NeighbourNames
from hummingbird.api.sysinv.passage import Sysinv
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import state_directory
from hummingbird.db.repository import audit_log
from hummingbird.db.session import Database
from hummingbird.errors import CertificateInvalid, HummingbirdError
from hummingbird.secretbox import SecretBox, write_secret_once
from hummingbird.tls import Certificate, LazyAdapter, defer_accept

LOG = logging.getLogger(__name__)

FAULT_THREADS: Final = 4
"""Enough for people who look at alarms; `[api]threads` where that is less."""
MIND_SECONDS: Final = 5.0
"""Between two looks at connections that dawdle and at the certificate's files."""
RENEW_SECONDS: Final = 3600.0
"""Between two questions whether our own certificate is still good for long, and what of
the audit log is too old."""


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


class _Server(Server):
    """Says what it has to say of connections to our log."""

    def error_log(
        self, msg: str = "", level: int = logging.INFO, traceback: bool = False
    ) -> None:
        """Log it for who looks closely: peers that vanish are no error of ours."""
        LOG.debug("%s", msg, exc_info=traceback)


def _door(conf: Conf, clock: Clock) -> Door:
    if conf.api.auth_strategy == "keystone":
        return KeystoneDoor(conf, clock)
    return TokenDoor(read_token(conf))


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
        certificate: Callable[[], Certificate | None] = lambda: None,
    ) -> None:
        """
        :param nudge: hurries the conductor; called with "run" after each commit that
            queued work, with a reconciler's name where that one has something to do.
        :param reconcilers: returns the last report of each reconciler.
        :param sysinv: the real one that the API stands before, if any.
        :param certificate: returns what the servers are to show, renewed if need be;
            asked again now and then. None, plain HTTP, is taken where `[api]tls` is off.
        :raises CertificateInvalid: there is none that can be used.
        :raises KeystoneMisconfigured, PolicyInvalid: who may come in can't be known.
        """
        threads = conf.api.threads
        self.token_file = token_file(conf)
        self._dependencies = Dependencies(
            conf=conf,
            database=database,
            clock=clock,
            box=box,
            nudge=nudge,
            reconcilers=reconcilers,
            neighbour=NeighbourNames(clock),
            waiting_room=WaitingRoom(threads // 2),
        )
        audit.open_file(conf)
        self._certificate = certificate
        self.certificate = certificate()
        if conf.api.tls and self.certificate is None:
            raise CertificateInvalid(message="there is none")
        self._adapters: list[LazyAdapter] = []
        door = _door(conf, clock)
        self._server = self._listener(
            build(self._dependencies, door=door, sysinv=sysinv),
            port=conf.api.port,
            # Who waits for sysinv takes no thread from who does not.
            threads=threads + (conf.sysinv.passages if sysinv is not None else 0),
        )
        if sysinv is not None:
            # What goes to sysinv may be large; who is before it sees to the rest.
            self._server.max_request_body_size = 0
        self._fault_server: Server | None = None
        if conf.api.fm_port:
            self._fault_server = self._listener(
                build(self._dependencies, door=door, routes=FAULT_ROUTES),
                port=conf.api.fm_port,
                threads=min(threads, FAULT_THREADS),
            )
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it is found on this machine, e.g. https://127.0.0.1:6385; known after
        `start`."""
        return _url(self._server)

    @property
    def fm_url(self) -> str:
        """Where clients of fault management find it; known after `start`."""
        return _url(self._fault_server or self._server)

    @property
    def waiting(self) -> int:
        """How many requests wait for news now."""
        return self._dependencies.waiting_room.taken

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
                defer_accept(server.socket)
            except OSError:
                self._server.stop()
                raise
        for name, server in servers.items():
            thread = threading.Thread(target=server.serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        if self.certificate is not None:
            LOG.info(
                "The API shows the certificate with SHA-256 fingerprint %s",
                self.certificate.readable_fingerprint,
            )
        mind = threading.Thread(target=self._mind, name="api-mind", daemon=True)
        self._threads.append(mind)
        mind.start()

    def stop(self) -> None:
        """Stop listening, let running requests end; safe to call twice."""
        self._dependencies.stopping.set()
        if self._threads:
            for server in (self._fault_server, self._server):
                if server is not None:
                    server.stop()
            for thread in self._threads:
                thread.join()
            self._threads.clear()

    def _listener(
        self, application: WsgiApplication, *, port: int, threads: int
    ) -> Server:
        server = _Server(
            (self._dependencies.conf.api.bind, port),
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
        server.max_request_body_size = 2 * max(MAX_BODY_BYTES, HOSTS_FILE_BYTES)
        server.max_request_header_size = 64 * 1024
        if self.certificate is not None:
            server.ssl_adapter = self._adapter(self.certificate)
        return server

    def _adapter(self, certificate: Certificate) -> LazyAdapter:
        try:
            adapter = LazyAdapter(
                certificate.cert_path,
                certificate.key_path,
                clock=self._dependencies.clock,
                most_seconds=None,
                deferred=True,
            )
        except OSError as error:
            raise CertificateInvalid(message=error) from error
        self._adapters.append(adapter)
        return adapter

    def _mind(self) -> None:
        """Keep strangers from holding the workers, the certificate good, and the audit
        log from growing for ever."""
        clock = self._dependencies.clock
        due = clock.monotonic()
        while not clock.wait(self._dependencies.stopping, seconds=MIND_SECONDS):
            if clock.monotonic() >= due:
                due = clock.monotonic() + RENEW_SECONDS
                try:
                    self._certificate()
                    self._forget()
                except (HummingbirdError, OSError) as error:
                    LOG.warning("%s", error)
            for adapter in self._adapters:
                adapter.sweep()
                try:
                    if adapter.take_new_certificate():
                        LOG.info("The API shows a new certificate")
                except OSError as error:
                    # The one that is in memory stays; half a pair of files may be there.
                    LOG.warning("The API's new certificate can't be used: %s", error)

    def _forget(self) -> None:
        dependencies = self._dependencies
        before = dependencies.clock.now() - timedelta(
            days=dependencies.conf.api.audit_days
        )
        with dependencies.database.writer() as connection:
            audit_log.forget(connection, before=before)


def _url(server: Server) -> str:
    """Return where a client on this machine finds it."""
    host, port = server.bind_addr[:2]
    with suppress(ValueError):
        if (address := ipaddress.ip_address(host)).is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
    scheme = "http" if server.ssl_adapter is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
