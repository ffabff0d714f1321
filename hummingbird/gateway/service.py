# SPDX-License-Identifier: Apache-2.0
"""The gateway, put together: HTTPS for sessions and reports, UDP for beats, the batches.

Several may run on one database; agents may meet any of them, if all have the same
`gateway.key` in their state directories.
"""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.conf.share import controller_name, state_directory
from hummingbird.db.session import Database
from hummingbird.gateway.endpoint import Endpoint, Terms
from hummingbird.gateway.flush import Flush, Health
from hummingbird.gateway.identity import TokenVerifier
from hummingbird.gateway.keys import SessionKeys
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.listener import Counts, Listener
from hummingbird.gateway.server import DatagramServer, everywhere
from hummingbird.gateway.session import Sessions
from hummingbird.httpd.limits import Limits
from hummingbird.httpd.server import Server
from hummingbird.tls import Certificate, ServerTls

LOG = logging.getLogger(__name__)

RETRANSMIT_SECONDS: Final = 1.0
THREADS: Final = 32
IDLE_SECONDS: Final = 10.0
HEADER_MAX_BYTES: Final = 16 * 1024
RENEW_SHARE: Final = 0.1
"""An agent renews at 80 % of its session's life by itself; at 90 % it is reminded."""


class GatewayService:
    """One gateway, listening."""

    def __init__(
        self,
        conf: Conf,
        database: Database,
        clock: Clock,
        verifier: TokenVerifier,
        certificate: Certificate,
    ) -> None:
        """
        :raises OSError: an address can't be bound.
        """
        self._conf = conf
        bind, port = conf.gateway.bind or everywhere(), int(conf.gateway.port)
        keys = SessionKeys.from_file(state_directory(conf) / "gateway.key")
        sessions = Sessions(database, keys, clock=clock)
        ledger = Ledger()
        self._tls = ServerTls(certificate.cert_path, certificate.key_path)
        name = f"{controller_name(conf)}.gateway.{port}"
        self._flush = Flush(
            name=name,
            database=database,
            sessions=sessions,
            ledger=ledger,
            clock=clock,
            seconds=float(conf.gateway.flush_seconds),
            unwritten_seconds=float(conf.gateway.unwritten_seconds),
            period_seconds=self._period_seconds,
            also=self._mind_certificate,
            heard_until=lambda: self._udp.heard_until(),
        )
        self._listener = Listener(
            sessions=sessions,
            ledger=ledger,
            clock=clock,
            period_seconds=self._period_seconds,
            is_writing=self._flush.is_writing,
            renew_before=timedelta(
                seconds=RENEW_SHARE * int(conf.gateway.session_seconds)
            ),
        )
        endpoint = Endpoint(
            database=database,
            sessions=sessions,
            verifier=verifier,
            clock=clock,
            terms=self._terms(name),
            health=self._health,
        )
        self._https = self._server(endpoint, bind=bind, port=port, clock=clock)
        # Both protocols have one port number, also when the system chose it (port 0).
        self._https.open()
        self.port = self._https.port
        try:
            self._udp = DatagramServer(
                bind=bind,
                port=self.port,
                listener=self._listener,
                sessions=sessions,
                clock=clock,
            )
        except OSError:
            self._https.stop()
            raise

    @property
    def counts(self) -> Counts:
        """Datagrams since the start."""
        return self._listener.counts

    def start(self) -> None:
        """Listen, and say so in the database."""
        self._udp.start()
        self._https.start()
        self._flush.start()
        LOG.info("Gateway on port %s, TCP and UDP", self.port)

    def stop(self) -> None:
        """Hear no more, send the agents elsewhere, write what was heard, and say farewell."""
        self._listener.close()
        sent = self._udp.say_farewell(self._listener.farewells())
        LOG.info("Ending; %s agents were told so", sent)
        self._flush.stop()
        self._https.stop()
        self._udp.stop()

    def _mind_certificate(self) -> None:
        if self._tls.take_new_certificate():
            LOG.info("The gateway's certificate was renewed")

    def _health(self) -> Health:
        health = self._flush.health()
        # Whoever comes now goes elsewhere.
        return replace(health, is_writing=False) if self._listener.is_closed else health

    def _period_seconds(self) -> float:
        return float(self._conf.gateway.period_seconds)

    def _terms(self, name: str) -> Terms:
        return Terms(
            gateway=name,
            namespace=str(self._conf.agents.namespace),
            audience=str(self._conf.agents.audience),
            session_seconds=int(self._conf.gateway.session_seconds),
            retransmit_seconds=RETRANSMIT_SECONDS,
            report_max_bytes=int(self._conf.gateway.report_max_bytes),
            history_most=lambda: int(self._conf.gateway.history_most),
            period_seconds=self._period_seconds,
            udp_port=lambda: self.port,
        )

    def _server(
        self, endpoint: Endpoint, *, bind: str, port: int, clock: Clock
    ) -> Server:
        return Server(
            endpoint,
            bind=bind,
            port=port,
            name="sessions",
            threads=THREADS,
            clock=clock,
            limits=Limits(
                idle_seconds=IDLE_SECONDS,
                head_bytes=HEADER_MAX_BYTES,
                body_bytes=int(self._conf.gateway.report_max_bytes),
            ),
            tls=self._tls,
        )
