# SPDX-License-Identifier: Apache-2.0
"""Real gateways on loopback, on one database, with hosts edge-0 and edge-1."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.link.exchange import Gateway
from agents.link.session import TokenOpener
from hummingbird import conf
from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from hummingbird.db import migration
from hummingbird.db.repository import host, system
from hummingbird.db.session import Database
from hummingbird.gateway.service import GatewayService
from hummingbird.tls import Certificate
from tests.fakes.agent import SimulatedAgent
from tests.fakes.token_verifier import FakeIdentity, FakeTokenVerifier
from tests.free_port import free_port

PERIOD_SECONDS = 1.0


@dataclass
class Site:
    """What a test has."""

    folder: Path
    database: Database
    verifier: FakeTokenVerifier
    certificate: Certificate
    hosts: dict[str, int]
    clock: SystemClock = field(default_factory=SystemClock)
    gateways: list[GatewayService] = field(default_factory=list)

    def start_gateway(
        self,
        *,
        port: int | None = None,
        database: Database | None = None,
        **options: object,
    ) -> GatewayService:
        """Start a gateway on this port, or on any.

        :param database: by a path of its own.
        """
        settings = {
            "bind": "127.0.0.1",
            "port": free_port() if port is None else port,
            "period_seconds": PERIOD_SECONDS,
            "flush_seconds": 0.1,
            # Longer than a busy machine takes for a batch.
            "unwritten_seconds": 60.0,
        }
        configuration = conf.new(
            {
                "DEFAULT": {"state_directory": str(self.folder)},
                "gateway": settings | options,
            }
        )
        configuration([], default_config_files=[])
        service = GatewayService(
            configuration,
            database or self.database,
            self.clock,
            self.verifier,
            self.certificate,
        )
        service.start()
        self.gateways.append(service)
        return service

    def token(self, node_name: str, *, agent: str = "mtc-client") -> Path:
        """Return a file with a token for this agent on this node."""
        path = self.folder / f"token-{node_name}-{agent}"
        identity = FakeIdentity(node_name=node_name, service_account=agent)
        path.write_text(self.verifier.issue(identity))
        return path

    def opener(
        self, *gateways: GatewayService, node_name: str, agent: str = "mtc-client"
    ) -> TokenOpener:
        """Return what opens sessions for this agent on this node."""
        return TokenOpener(
            gateway=self.at(*gateways),
            agent=agent,
            token_file=self.token(node_name, agent=agent),
        )

    def at(self, *gateways: GatewayService) -> Gateway:
        """Return where a gateway is, or several."""
        return Gateway(
            places=tuple(("127.0.0.1", gateway.port) for gateway in gateways),
            ca_file=self.certificate.ca_path,
        )

    def agent(self, *gateways: GatewayService, node_name: str) -> SimulatedAgent:
        """Return a host that beats, once it is stepped."""
        opener = self.opener(*gateways, node_name=node_name)
        return SimulatedAgent(opener, clock=self.clock)

    def lock_database(self) -> Callable[[], None]:
        """Make the database unwritable, as one that is away; return what ends that."""
        holder = sqlite3.connect(self.folder / "db.sqlite", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        return holder.close


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with its schema, to copy: the migrations take a second."""
    path = tmp_path_factory.mktemp("template") / "db.sqlite"
    database = Database(f"sqlite:///{path}")
    migration.upgrade(database)
    database.dispose()
    return path


def _site(folder: Path, database: Database) -> Iterator[Site]:
    clock = SystemClock()
    hosts = {}
    with database.writer() as connection:
        system.seed(
            connection, name="test", mn_cidr="192.168.204.0/24", now=clock.now()
        )
        for index in range(2):
            name = f"edge-{index}"
            made = host.create(
                connection,
                hostname=name,
                mgmt_mac=f"02:00:00:00:00:0{index}",
                mgmt_ip=None,
                emn_id=None,
                credential_id=None,
                serialid=None,
                location={},
                capabilities={},
                attributes={},
                now=clock.now(),
            )
            host.change(connection, made, now=clock.now(), touched=True)
            hosts[name] = made.id
    site = Site(
        folder=folder,
        database=database,
        verifier=FakeTokenVerifier(),
        certificate=ensure_server_certificate(folder / "pki", ["127.0.0.1"]),
        hosts=hosts,
    )
    yield site
    for gateway in site.gateways:
        gateway.stop()


@pytest.fixture
def site(tmp_path: Path, template: Path) -> Iterator[Site]:
    shutil.copy(template, tmp_path / "db.sqlite")
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}", busy_timeout_seconds=0.1)
    yield from _site(tmp_path, database)
    database.dispose()


@pytest.fixture
def either_site(tmp_path: Path, database: Database) -> Iterator[Site]:
    """A site on each kind of database."""
    yield from _site(tmp_path, database)
