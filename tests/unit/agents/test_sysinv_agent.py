# SPDX-License-Identifier: Apache-2.0
"""The inventory's loop: once, on change, on demand; kept while nobody takes it."""

import random
from pathlib import Path
from uuid import UUID

import pytest

from agents.link.session import Opened, SessionRefused
from agents.sysinv_agent.gateway import Delivery, NotDelivered
from agents.sysinv_agent.loop import Loop
from agents.sysinv_agent.store import NAME, ReportStore
from hummingbird.clock import ManualClock
from hummingbird.wire import heartbeat as wire
from hummingbird.wire import session
from hummingbird.wire.heartbeat import Ack, Wanted
from hummingbird.wire.inventory import Report, content_hash, encode
from hummingbird.wire.session import Session
from tests.fakes.agent import Wire

KEY = bytes(range(32))


class World:
    """A gateway in memory and a host whose kernel can be changed."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.kernel = "6.1.0-1"
        self.away = False
        self.known: str | None = None
        self.wanted = Wanted.NOTHING
        self.taken: list[bytes] = []
        self.sessions = 0
        self.wire = Wire(self.answer, advance=self.clock.advance)
        self.store = ReportStore(folder)
        self.start()

    def start(self) -> None:
        """(Re)start the agent."""
        rng = random.Random(1)  # noqa: S311
        delivery = Delivery(
            opener=self,
            send=self.send,
            transport=self.wire,
            boot_id=UUID(int=1),
            uptime_seconds=lambda: 1,
            monotonic=self.clock.monotonic,
            rng=rng,
        )
        self.loop = Loop(
            collect=self.collect,
            delivery=delivery,
            store=self.store,
            monotonic=self.clock.monotonic,
            rng=rng,
        )

    def collect(self) -> Report:
        return {
            "schema": 1,
            "system": {"kernel_running": self.kernel},
            "icpus": [],
            "imemories": [],
            "idisks": [],
            "ports": [],
        }

    def open(self, *, boot_id: str) -> Opened:
        if self.away:
            raise SessionRefused("away")
        self.sessions += 1
        given = Session(
            session=self.sessions,
            key=KEY,
            period_seconds=10.0,
            retransmit_seconds=1.0,
            expires_in_seconds=3600,
            udp_port=2131,
            report_hash=self.known,
        )
        return Opened(given, ("gateway", 2131))

    def send(self, body: bytes, *, authorization: str) -> None:
        if self.away:
            raise NotDelivered("away")
        assert session.verify(authorization, body=body, key=KEY)
        self.taken.append(body)
        self.known = content_hash(body)
        self.wanted = Wanted.NOTHING

    def answer(self, data: bytes) -> bytes | None:
        beat = wire.open_beat(data, key=KEY)
        if self.away:
            return None
        if beat.session != self.sessions:
            return wire.unknown_session(wire.head(data))
        ack = Ack(
            session=beat.session,
            sequence=beat.sequence,
            next_period_seconds=10.0,
            wanted=self.wanted,
        )
        return wire.seal_ack(ack, key=KEY)

    def run(self, *, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            self.clock.advance(self.loop.step() + 0.001)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_reports_once_and_then_on_change(world: World) -> None:
    world.run(seconds=1800)
    assert len(world.taken) == 1
    assert 20 <= len(world.wire.sent) <= 34
    world.kernel = "6.1.0-2"
    world.run(seconds=70)
    assert world.taken[1:] == [encode(world.collect())]
    world.run(seconds=1800)
    assert len(world.taken) == 2
    assert world.sessions == 1


def test_a_restart_does_not_report_what_is_known(world: World) -> None:
    world.run(seconds=100)
    world.start()
    world.run(seconds=300)
    assert len(world.taken) == 1


def test_it_reports_again_when_asked(world: World) -> None:
    world.run(seconds=100)
    world.wanted = Wanted.REPORT
    world.run(seconds=70)
    assert len(world.taken) == 2


def test_a_gateway_that_forgot_gets_the_report_again(world: World) -> None:
    world.run(seconds=100)
    world.sessions += 1
    world.known = None
    world.run(seconds=80)
    assert len(world.taken) == 2


def test_the_newest_unsent_report_is_kept_over_a_restart(
    world: World, tmp_path: Path
) -> None:
    world.away = True
    world.run(seconds=100)
    world.kernel = "6.1.0-2"
    world.run(seconds=200)
    newest = encode(world.collect())
    assert (tmp_path / NAME).read_bytes() == newest
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    world.start()
    world.away = False
    world.run(seconds=70)
    assert world.taken == [newest]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "missing")
    world.away = True
    world.run(seconds=100)
    world.away = False
    world.run(seconds=70)
    assert len(world.taken) == 1


def test_a_gateway_that_is_away_is_asked_ever_more_rarely(world: World) -> None:
    world.away = True
    steps = 0
    while world.clock.monotonic() < 600:
        world.clock.advance(world.loop.step() + 0.001)
        steps += 1
    assert steps <= 60
