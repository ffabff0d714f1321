# SPDX-License-Identifier: Apache-2.0
"""The inventory's loop: once, on change, on demand; kept while nobody takes it."""

import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.link.session import Opened, SessionRefused
from agents.sysinv_agent.gateway import BaseUnknown, Delivery, NotDelivered, Refused
from agents.sysinv_agent.journal import NAME, Journal
from agents.sysinv_agent.loop import GAP_SECONDS, SETTLE_SECONDS, Loop
from hummingbird.clock import ManualClock
from hummingbird.wire import heartbeat as wire
from hummingbird.wire import session
from hummingbird.wire.heartbeat import Ack, Wanted
from hummingbird.wire.inventory import Change, Sections, Taken, decode, hash_of
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
        self.refuses = False
        self.taken: list[Change] = []
        self.state: dict[str, Any] = {}
        self.sessions = 0
        self.wire = Wire(self.answer, advance=self.clock.advance)
        self.folder = folder
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
            wall_ms=self.wall_ms,
            rng=rng,
        )
        self.loop = Loop(
            collect=self.collect,
            delivery=delivery,
            journal=Journal(self.folder),
            monotonic=self.clock.monotonic,
            wall_ms=self.wall_ms,
            rng=rng,
        )

    def wall_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def collect(self) -> Sections:
        return {"system": {"kernel_running": self.kernel}, "ports": []}

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

    def send(self, body: bytes, *, authorization: str) -> Taken:
        if self.away:
            raise NotDelivered("away")
        assert session.verify(authorization, body=body, key=KEY)
        change = decode(body)
        if self.refuses:
            raise Refused("no")
        if change["base"] not in (None, self.known):
            raise BaseUnknown
        self.taken.append(change)
        self.state = {**(self.state if change["base"] else {}), **change["sections"]}
        self.known = hash_of(self.state)
        self.wanted = Wanted.NOTHING
        return Taken(
            stream=change["stream"], sequence=change["sequence"], hash=self.known
        )

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


def kernels(world: World) -> list[str]:
    return [change["sections"]["system"]["kernel_running"] for change in world.taken]


def test_it_reports_once_and_then_what_changed(world: World) -> None:
    world.run(seconds=1800)
    assert [change["kind"] for change in world.taken] == ["full"]
    assert 20 <= len(world.wire.sent) <= 34
    world.kernel = "6.1.0-2"
    world.run(seconds=70)
    assert [change["kind"] for change in world.taken] == ["full", "delta"]
    assert world.taken[1]["sections"] == {"system": {"kernel_running": "6.1.0-2"}}
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
    assert [change["kind"] for change in world.taken] == ["full", "full"]


def test_a_gateway_that_forgot_gets_the_report_again(world: World) -> None:
    world.run(seconds=100)
    world.sessions += 1
    world.known = None
    world.run(seconds=80)
    assert [change["kind"] for change in world.taken] == ["full", "full"]


def test_a_gateway_that_lacks_the_base_gets_it(world: World) -> None:
    world.run(seconds=100)
    world.known = "0" * 64
    world.kernel = "6.1.0-2"
    world.run(seconds=70)
    assert [change["kind"] for change in world.taken] == ["full", "full", "delta"]
    assert kernels(world) == ["6.1.0-1", "6.1.0-1", "6.1.0-2"]


def test_changes_are_kept_over_a_restart_and_told_in_order(
    world: World, tmp_path: Path
) -> None:
    world.run(seconds=100)
    world.away = True
    begun = world.wall_ms()
    for number in range(2, 5):
        world.kernel = f"6.1.0-{number}"
        world.run(seconds=100)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    world.start()
    world.away = False
    world.run(seconds=70)
    assert kernels(world) == ["6.1.0-1", "6.1.0-2", "6.1.0-3", "6.1.0-4"]
    for number, change in enumerate(world.taken[1:]):
        age = change["seen_at"] - begun
        assert number * 100_000 <= age <= number * 100_000 + 70_000
    assert all(change["sent_at"] >= begun + 300_000 for change in world.taken[1:])


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "missing")
    world.away = True
    world.run(seconds=100)
    world.away = False
    world.run(seconds=70)
    assert len(world.taken) == 1


def test_what_a_gateway_refuses_is_tried_ever_more_rarely(world: World) -> None:
    world.refuses = True
    steps = 0
    while world.clock.monotonic() < 600:
        world.clock.advance(world.loop.step() + 0.001)
        steps += 1
    assert steps <= 60
    world.refuses = False
    world.run(seconds=70)
    assert kernels(world) == ["6.1.0-1"]


def test_a_gateway_that_is_away_is_asked_ever_more_rarely(world: World) -> None:
    world.away = True
    steps = 0
    while world.clock.monotonic() < 600:
        world.clock.advance(world.loop.step() + 0.001)
        steps += 1
    assert steps <= 60


def test_it_looks_soon_when_the_kernel_says_so_but_not_all_the_time(
    world: World,
) -> None:
    world.run(seconds=100)
    world.kernel = "6.1.0-2"
    world.loop.hurry()
    world.run(seconds=GAP_SECONDS + SETTLE_SECONDS + 0.1)
    assert kernels(world)[-1] == "6.1.0-2"
    looks = 0

    def collect() -> Sections:
        nonlocal looks
        looks += 1
        return world.collect()

    world.loop._collect = collect
    until = world.clock.monotonic() + 100
    while world.clock.monotonic() < until:
        world.loop.hurry()
        world.loop.step()
        world.clock.advance(0.5)
    assert looks <= 100 / GAP_SECONDS + 1


def test_a_host_that_flaps_is_looked_at_ever_more_rarely(world: World) -> None:
    world.run(seconds=100)
    changes = len(world.taken)
    until = world.clock.monotonic() + 600
    while world.clock.monotonic() < until:
        world.kernel = str(world.clock.monotonic())
        world.loop.hurry()
        world.loop.step()
        world.clock.advance(1.0)
    assert 8 <= len(world.taken) - changes <= 17
