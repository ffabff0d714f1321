# SPDX-License-Identifier: Apache-2.0
"""The client's loop against a gateway in memory; the clock is the test's own."""

import logging
from itertools import pairwise

import pytest

from agents.link.session import GatewayAway, Opened, SessionRefused
from hummingbird.clock import ManualClock
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack
from hummingbird.wire.session import Session
from tests.fakes.agent import SimulatedAgent, Wire

KEY = bytes(range(32))


class World:
    """A gateway that gives sessions and acknowledges what belongs to the last one."""

    def __init__(self, *, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.sessions = 0
        self.refusing = self.away = False
        self.silent = False
        self.heard: list[float] = []
        self.opened_at: list[float] = []
        self.wire = Wire(self.answer, advance=self.clock.advance)
        self.agent = SimulatedAgent(
            self, clock=self.clock, transport=self.wire, seed=seed
        )

    def open(self, *, boot_id: str) -> Opened:
        self.opened_at.append(self.clock.monotonic())
        if self.away:
            raise GatewayAway("away")
        if self.refusing:
            raise SessionRefused("away")
        self.sessions += 1
        given = Session(
            session=self.sessions,
            key=KEY,
            period_seconds=10.0,
            retransmit_seconds=1.0,
            expires_in_seconds=3600,
            udp_port=2131,
        )
        return Opened(given, ("gateway", 2131))

    def answer(self, data: bytes) -> bytes | None:
        if self.silent:
            return None
        beat = wire.open_beat(data, key=KEY)
        if beat.session != self.sessions:
            return wire.unknown_session(wire.head(data))
        self.heard.append(self.clock.monotonic())
        ack = Ack(
            session=beat.session, sequence=beat.sequence, next_period_seconds=10.0
        )
        return wire.seal_ack(ack, key=KEY)


def test_one_datagram_a_period_when_all_is_well() -> None:
    world = World()
    world.agent.run(seconds=600)
    assert 55 <= len(world.wire.sent) <= 68
    assert world.sessions == 1


def test_it_is_heard_within_seconds_of_a_cable_that_is_back() -> None:
    world = World()
    world.agent.run(seconds=60)
    world.wire.cut = True
    world.agent.run(seconds=15)
    world.wire.cut = False
    before = len(world.heard)
    world.agent.run(seconds=1.3)
    assert len(world.heard) > before
    assert world.sessions == 1


def test_a_session_that_ended_is_replaced_within_a_beat() -> None:
    world = World()
    world.agent.run(seconds=60)
    world.sessions += 1
    world.agent.run(seconds=20)
    assert world.wire.aimed[1:] == [("gateway", 2131)]
    assert world.heard[-1] > 60


def test_unsealed_noes_cost_one_session_a_period_at_most() -> None:
    world = World()
    world.agent.run(seconds=30)
    world.silent = True
    for _ in range(600):
        head = wire.head(world.wire.sent[-1])
        world.wire.answers.append(wire.unknown_session(head))
        world.agent.step()
        world.clock.advance(0.2)
    elapsed = world.clock.monotonic() - 30
    assert elapsed > 100
    assert world.sessions - 1 <= elapsed / 10.0


def test_without_sessions_it_asks_ever_more_rarely_but_goes_on() -> None:
    world = World()
    world.refusing = True
    world.agent.run(seconds=600)
    asked = world.opened_at
    gaps = [later - sooner for sooner, later in pairwise(asked)]
    assert max(gaps) <= 46
    assert 600 / 46 <= len(asked) <= 60
    world.refusing = False
    world.agent.run(seconds=46)
    assert world.heard


def test_a_host_that_booted_while_the_way_was_cut_is_heard_soon_after() -> None:
    """Within a period and five seconds, however long it took."""
    world = World()
    world.away = True
    world.agent.run(seconds=600)
    world.away = False
    world.agent.run(seconds=15)
    assert world.heard


def test_a_session_that_ended_while_the_way_was_cut_is_replaced_within_a_period() -> (
    None
):
    """The no that comes back is worth more than the waits that grew."""
    for seed in range(20):
        world = World(seed=seed)
        world.agent.run(seconds=30)
        world.wire.cut = world.refusing = True
        world.agent.run(seconds=600)
        world.sessions += 1
        world.wire.cut = world.refusing = False
        before = len(world.heard)
        world.agent.run(seconds=15)
        assert len(world.heard) > before, seed


def test_a_long_silence_asks_for_a_session_and_goes_on_beating() -> None:
    world = World()
    world.agent.run(seconds=30)
    world.silent = world.refusing = True
    sent = len(world.wire.sent)
    world.agent.run(seconds=120)
    assert len(world.wire.sent) - sent > 90
    assert len(world.opened_at) > 1


def test_only_changes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.agent.run(seconds=600)
    world.silent = world.refusing = True
    world.agent.run(seconds=600)
    world.silent = world.refusing = False
    world.agent.run(seconds=600)
    said = [record.message for record in caplog.records]
    assert said == [
        "the gateway gives sessions",
        "the gateway hears this host",
        "the gateway does not answer; going on trying",
        "no session: away",
        "the gateway hears this host",
    ] + (["the gateway gives sessions"] if world.sessions > 1 else [])
