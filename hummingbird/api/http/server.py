# SPDX-License-Identifier: Apache-2.0
"""Serves the REST API over HTTPS: two servers (httpd) around api/http/app.py.

One listens on sysinv's port and serves everything; another, unless it is switched off, on
FM's port, and serves alarms and events there as well. `start` returns when the ports are
bound, so that a caller may connect at once; `stop` lets running requests finish. Nothing
is kept in memory between requests.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hummingbird.api.http import audit
from hummingbird.api.http.app import WsgiApplication, build
from hummingbird.api.http.authentication import Door, TokenDoor
from hummingbird.api.http.call import MAX_BODY_BYTES
from hummingbird.api.http.dependencies import Dependencies, WaitingRoom, no_reports
from hummingbird.api.http.keystone import KeystoneDoor
from hummingbird.api.http.presence import Presence
from hummingbird.api.routes import FAULT_ROUTES
from hummingbird.api.schema.host_bulk import MAX_BYTES as HOSTS_FILE_BYTES
from hummingbird.api.sysinv.known_names import NeighbourNames
from hummingbird.api.sysinv.passage import Sysinv
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import controller_name, state_directory
from hummingbird.db.session import Database
from hummingbird.errors import CertificateInvalid, HummingbirdError
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.server import Server
from hummingbird.secretbox import SecretBox, write_secret_once
from hummingbird.tls import Certificate, ServerTls

LOG = logging.getLogger(__name__)

FAULT_THREADS: Final = 4
"""Enough for people who look at alarms; `[api]threads` where that is less."""
MIND_SECONDS: Final = 5.0
"""Between two looks at the certificate's files."""
RENEW_SECONDS: Final = 3600.0
"""Between two questions whether our own certificate is still good for long."""


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
        door = _door(conf, clock)
        self._server = self._listener(
            build(self._dependencies, door=door, sysinv=sysinv),
            name="api",
            port=conf.api.port,
            # Who waits for sysinv takes no thread from who does not.
            threads=threads + (conf.sysinv.passages if sysinv is not None else 0),
            # What goes to sysinv may be larger than what is held.
            limits=Limits(body_bytes=HOSTS_FILE_BYTES)
            if sysinv is None
            else Limits(body_bytes=MAX_BODY_BYTES, streams=conf.sysinv.passages),
        )
        self._fault_server: Server | None = None
        if conf.api.fm_port:
            self._fault_server = self._listener(
                build(self._dependencies, door=door, routes=FAULT_ROUTES),
                name="api-fm",
                port=conf.api.fm_port,
                threads=min(threads, FAULT_THREADS),
                limits=Limits(body_bytes=MAX_BODY_BYTES),
            )
        self._servers = [self._server]
        if self._fault_server is not None:
            self._servers.append(self._fault_server)
        self._mind_thread: threading.Thread | None = None
        self._presence: Presence | None = None

    @property
    def url(self) -> str:
        """Where it is found on this machine, e.g. https://127.0.0.1:6385; known after
        `start`."""
        return self._server.url

    @property
    def fm_url(self) -> str:
        """Where clients of fault management find it; known after `start`."""
        return (self._fault_server or self._server).url

    @property
    def waiting(self) -> int:
        """How many requests wait for news now."""
        return self._dependencies.waiting_room.taken

    def start(self) -> None:
        """Bind the ports and serve from threads of their own.

        :raises OSError: the address can't be bound.
        """
        try:
            for server in self._servers:
                server.open()
        except OSError:
            self._close()
            raise
        for server in self._servers:
            server.start()
        if self.certificate is not None:
            LOG.info(
                "The API shows the certificate with SHA-256 fingerprint %s",
                self.certificate.readable_fingerprint,
            )
        self._presence = Presence(
            self._dependencies.database,
            clock=self._dependencies.clock,
            name=f"{controller_name(self._dependencies.conf)}.api.{self._server.port}",
            watch=self._dependencies.processes,
        )
        self._presence.mind()
        self._mind_thread = threading.Thread(
            target=self._mind, name="api-mind", daemon=True
        )
        self._mind_thread.start()

    def stop(self) -> None:
        """Stop listening, let running requests end; safe to call twice."""
        self._dependencies.stopping.set()
        self._close()
        if self._mind_thread is not None:
            self._mind_thread.join()
            self._mind_thread = None
        if self._presence is not None:
            self._presence.leave()
            self._presence = None

    def _close(self) -> None:
        for server in reversed(self._servers):
            server.stop()

    def _listener(
        self,
        application: WsgiApplication,
        *,
        name: str,
        port: int,
        threads: int,
        limits: Limits,
    ) -> Server:
        return Server(
            application,
            bind=str(self._dependencies.conf.api.bind),
            port=port,
            name=name,
            threads=threads,
            clock=self._dependencies.clock,
            limits=limits,
            tls=None if self.certificate is None else _tls(self.certificate),
        )

    def _mind(self) -> None:
        """Keep the certificate good."""
        clock = self._dependencies.clock
        due = clock.monotonic()
        while not clock.wait(self._dependencies.stopping, seconds=MIND_SECONDS):
            if self._presence is not None:
                self._presence.mind()
            if clock.monotonic() >= due:
                due = clock.monotonic() + RENEW_SECONDS
                try:
                    self._certificate()
                except (HummingbirdError, OSError) as error:
                    LOG.warning("%s", error)
            for server in self._servers:
                try:
                    if server.tls is not None and server.tls.take_new_certificate():
                        LOG.info("The API shows a new certificate")
                except OSError as error:
                    # The one that is in memory stays; half a pair of files may be there.
                    LOG.warning("The API's new certificate can't be used: %s", error)


def _tls(certificate: Certificate) -> ServerTls:
    try:
        return ServerTls(certificate.cert_path, certificate.key_path)
    except OSError as error:
        raise CertificateInvalid(message=error) from error
