# SPDX-License-Identifier: Apache-2.0
"""Gateways without sockets or threads: the product's own listener, ledger and flush, with
the time, the network and the database's path in the test's hands.

`Place` is one gateway; `Field` is some of them on one database with agents that beat at
them, and moves the time of all.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from agents.link.session import Opened, SessionRefused
from hummingbird.clock import ManualClock
from hummingbird.db.repository import hearing, heartbeat
from hummingbird.db.session import Connection, Database
from hummingbird.domain.hearing import Hearing
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.errors import DatabaseUnavailable
from hummingbird.gateway.flush import Flush
from hummingbird.gateway.keys import SessionKeys
from hummingbird.gateway.ledger import Ledger
from hummingbird.gateway.listener import Fate, Listener
from hummingbird.gateway.session import Sessions
from hummingbird.wire.session import Session
from tests.fakes.agent import SimulatedAgent

FLUSH_SECONDS = 1.0
SESSION_SECONDS = 3600
SECRET = bytes(range(32))

Address = tuple[str, int]


class CutDatabase(Database):
    """The path of one process to a database, which may be cut."""

    def __init__(self, whole: Database) -> None:
        self.engine = whole.engine
        self.is_sqlite = whole.is_sqlite
        self._whole = whole
        self.is_cut = False

    def _check(self) -> None:
        if self.is_cut:
            raise DatabaseUnavailable(message="the path is cut")

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Yield a connection, if the path is whole."""
        self._check()
        with self._whole.reader() as connection:
            yield connection

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Yield a connection, if the path is whole."""
        self._check()
        with self._whole.writer() as connection:
            yield connection


class Place:
    """One gateway at one address."""

    def __init__(
        self,
        name: str,
        database: Database,
        *,
        clock: ManualClock,
        period_seconds: float,
        unwritten_seconds: float = 5.0,
    ) -> None:
        self.address: Address = (name, 2131)
        self.name = name
        self.database = CutDatabase(database)
        self.is_dead = False
        """Killed, frozen or without its address: it does nothing and hears nothing."""
        self._clock = clock
        self._period = period_seconds
        self.sessions = Sessions(self.database, SessionKeys(SECRET), clock=clock)
        self.ledger = Ledger()
        self.flush = Flush(
            name=name,
            database=self.database,
            sessions=self.sessions,
            ledger=self.ledger,
            clock=clock,
            seconds=FLUSH_SECONDS,
            unwritten_seconds=unwritten_seconds,
            period_seconds=lambda: period_seconds,
            also=lambda: None,
        )
        self.listener = Listener(
            sessions=self.sessions,
            ledger=self.ledger,
            clock=clock,
            period_seconds=lambda: period_seconds,
            is_writing=self.flush.is_writing,
            renew_before=timedelta(seconds=0.1 * SESSION_SECONDS),
        )
        self.flush.write()

    def answer(self, data: bytes, *, origin: object) -> bytes | None:
        """Return what a datagram is answered."""
        if self.is_dead:
            return None
        answer = self.listener.answer(data, origin=origin)
        if answer is Fate.LOOK_UP:
            number = int.from_bytes(data[4:12], "big")
            try:
                self.sessions.look_up([number])
            except DatabaseUnavailable:
                return None
            answer = self.listener.answer(data, looked_up=True, origin=origin)
        return answer if isinstance(answer, bytes) else None

    def open(self, host_id: int) -> Session:
        """Give a session to a host's mtc-client.

        :raises SessionRefused: not now.
        """
        if self.is_dead or not self.flush.is_writing():
            raise SessionRefused("away")
        now = self._clock.now()
        try:
            given = self.sessions.open(
                host_id=host_id,
                agent="mtc-client",
                node_uid="n",
                pod_uid="p",
                gateway=self.name,
                expires_at=now + timedelta(seconds=SESSION_SECONDS),
                now=now,
            )
        except DatabaseUnavailable as error:
            raise SessionRefused(str(error)) from error
        return Session(
            session=given.number,
            key=given.key,
            period_seconds=self._period,
            retransmit_seconds=1.0,
            expires_in_seconds=SESSION_SECONDS,
            udp_port=2131,
            takes_path=True,
        )

    def stop(self) -> list[tuple[bytes, object]]:
        """End as on SIGTERM; return the farewells and whom they are for."""
        self.listener.close()
        farewells = list(self.listener.farewells())
        self.flush.stop()
        self.is_dead = True
        return farewells


class Host:
    """One host's mtc-client: its loop, and its transport and opener in one."""

    def __init__(self, field: "Field", host_id: int, *, seed: int) -> None:
        self.id = host_id
        self.is_on = True
        self.acked: list[tuple[float, str]] = []
        self._field = field
        self._target: Address = ("", 0)
        self.answers: list[bytes] = []
        self._rng = random.Random(seed)  # noqa: S311
        self.agent = SimulatedAgent(self, clock=field.clock, transport=self, seed=seed)

    def open(self, *, boot_id: str) -> Opened:
        """Ask the gateways for a session, in turn."""
        for place in self._field.places:
            try:
                given = place.open(self.id)
            except SessionRefused:
                continue
            others = [one.address for one in self._field.places if one is not place]
            return Opened(given, place.address, tuple(others))
        raise SessionRefused("nobody answers")

    def aim(self, address: Address) -> None:
        """Send there."""
        self._target = address

    def turn(self, address: Address) -> None:
        """Send there."""
        self._target = address

    def mtu(self) -> int | None:
        """Nothing is known of it."""
        return None

    def send(self, data: bytes) -> None:
        """Carry a datagram and its answer, unless one is lost."""
        loss = self._field.loss
        for place in self._field.places:
            if place.address == self._target and self._rng.random() >= loss:
                answer = place.answer(data, origin=self)
                if answer is not None and self._rng.random() >= loss:
                    self.answers.append(answer)

    def receive(self, *, seconds: float) -> bytes | None:
        """Return what came; time goes by in `Field.run` alone."""
        return self.answers.pop(0) if self.answers else None


class Field:
    """Gateways and hosts; the time is here."""

    def __init__(
        self,
        database: Database,
        host_ids: list[int],
        *,
        names: tuple[str, ...] = ("one", "two"),
        period_seconds: float = 10.0,
    ) -> None:
        self.database = database
        self.clock = ManualClock()
        self.period = period_seconds
        self.loss = 0.0
        self.places = [
            Place(name, database, clock=self.clock, period_seconds=period_seconds)
            for name in names
        ]
        self.hosts = [
            Host(self, host_id, seed=index) for index, host_id in enumerate(host_ids)
        ]

    def tick(self, seconds: float = 0.25) -> None:
        """Let so much time go by, and everybody do what is due."""
        before = self.clock.monotonic()
        self.clock.advance(seconds)
        for host in self.hosts:
            if host.is_on:
                host.agent.step()
                while host.answers:
                    host.agent.step()
        if before // FLUSH_SECONDS < self.clock.monotonic() // FLUSH_SECONDS:
            for place in self.places:
                if not place.is_dead:
                    place.flush.step()

    def look(self) -> tuple[Hearing, dict[int, Heartbeat]]:
        """Return what a conductor reads."""
        with self.database.reader() as connection:
            return hearing.read(connection), heartbeat.list_all(connection)

    def silence(self, host: Host) -> float:
        """Return for how long a conductor says that a host has been silent."""
        said, words = self.look()
        word = words.get(host.id)
        found = (
            said.silence_seconds(None, gateway="")
            if word is None
            else said.silence_seconds(word.heard_seconds, gateway=word.gateway)
        )
        assert found is not None
        return found
