# SPDX-License-Identifier: Apache-2.0
"""A fleet for a bench: hosts added through the API, then put into service.

Nine of ten are enabled and heard from, one is locked, as the conductor and the gateway
would have left them: that part is written into the database, since nobody provisions
ten thousand real boxes for a bench.  Their heartbeats are real datagrams, under the keys
that the program's own gateway derives.
"""

import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from api_program import Client, Program
from sqlalchemy import update

from hummingbird.db.model import HOST
from hummingbird.db.repository import hearing, heartbeat
from hummingbird.db.session import Database
from hummingbird.domain.heartbeat import AgentSession, Heartbeat
from hummingbird.gateway.keys import SessionKeys, new_nonce
from hummingbird.wire.heartbeat import Beat, Kind, head, seal_beat

NETWORK = "198.18.0.0/15"
"""The hosts' addresses: those that are set aside for benches (RFC 2544). Nothing is sent
there, since the program has no credential to enter a host with."""

_FIRST = ipaddress.ip_network(NETWORK)[1000]
_BOOT = UUID(int=1)
_CONNECTIONS = 4


def name(index: int) -> str:
    """Return the name of one host."""
    return f"edge-{index:05}"


def new_host(index: int) -> dict[str, object]:
    """Return what `system host-add` sends for one host."""
    return {
        "hostname": name(index),
        "personality": "edgeworker",
        "mgmt_mac": "52:54:00:"
        + ":".join(f"{index:06x}"[i : i + 2] for i in (0, 2, 4)),
        "mgmt_ip": str(_FIRST + index),
    }


class Fleet:
    """The hosts of one program."""

    def __init__(self, program: Program, database: Database) -> None:
        self._program = program
        self._database = database
        self.size = 0
        self._sessions: list[AgentSession] = []
        self._sequence = 0

    def grow(self, size: int) -> None:
        """Add hosts until there are so many, and put all of them into service."""
        first = self.size + 1
        clients = [self._program.client() for _ in range(_CONNECTIONS)]

        def add(offset: int, client: Client) -> None:
            for index in range(first + offset, size + 1, len(clients)):
                client.send("POST", "/v1/ihosts", new_host(index))

        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(add, range(len(clients)), clients))
        for client in clients:
            client.close()
        self.size = size
        self._put_into_service()

    def _put_into_service(self) -> None:
        now = datetime.now(UTC)
        ready: dict[str, Any] = {
            "provisioned_plan": "plan",
            "touched": True,
            "online": True,
            "boot_id": str(_BOOT),
            "state_since": now,
        }
        with self._database.writer() as connection:
            for state, where in (
                ("locked", HOST.c.hostname.like("%0")),
                ("enabled", HOST.c.hostname.not_like("%0")),
            ):
                connection.execute(
                    update(HOST)
                    .where(where, HOST.c.state == "added")
                    .values(state=state, **ready)
                )
            known = set(heartbeat.list_all(connection))
            new = [
                row.id
                for row in connection.execute(HOST.select().order_by(HOST.c.id))
                if row.id not in known
            ]
            clock = hearing.shared_clock(connection)
            heartbeat.put(
                connection,
                (
                    Heartbeat(
                        host_id=host_id,
                        last_heard_at=now,
                        period_seconds=600.0,
                        boot_id=str(_BOOT),
                        uptime_seconds=0,
                        beats=1,
                        heard_seconds=clock,
                    )
                    for host_id in new
                ),
            )
            opened = [
                heartbeat.open_session(
                    connection,
                    host_id=host_id,
                    agent="mtc-client",
                    node_uid=str(_BOOT),
                    pod_uid=str(_BOOT),
                    nonce=new_nonce(),
                    expires_at=now + timedelta(hours=1),
                )
                for host_id in new
            ]
            self._sessions += heartbeat.find_sessions(connection, opened)

    def beat(self, count: int, *, newest: int) -> None:
        """Send so many heartbeats, of the so many newest hosts in turn; return when each
        has been acknowledged."""
        sessions = self._sessions[-newest:]
        keys = SessionKeys.from_file(self._program.state / "gateway.key")
        address = ("127.0.0.1", self._program.gateway_port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(address)
            wire.settimeout(0.5)
            for _ in range(count):
                self._sequence += 1
                of = sessions[self._sequence % len(sessions)]
                number, key = keys.number(of), keys.key(of)
                _exchange(wire, number, self._sequence, key=key)


def _exchange(wire: socket.socket, session: int, sequence: int, *, key: bytes) -> None:
    beat = Beat(
        session=session, sequence=sequence, boot_id=_BOOT.bytes, uptime_seconds=0
    )
    datagram = seal_beat(beat, key=key)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        wire.send(datagram)
        try:
            while True:
                said = head(wire.recv(100))
                if (said.kind, said.session) == (Kind.ACK, session):
                    return
        except TimeoutError:
            # Lost, or a replay of one that was taken: the next has its own number.
            continue
    raise RuntimeError(f"no gateway took the beat {sequence} of session {session}")
