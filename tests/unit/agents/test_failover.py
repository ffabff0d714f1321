# SPDX-License-Identifier: Apache-2.0
"""Agents with several gateways: heard elsewhere within one period, whatever ends one.

The agents' own loop and heart, gateways in memory that share their sessions, and the
test's own time.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from agents.link.session import Opened, SessionRefused
from hummingbird.clock import ManualClock
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack, Beat
from hummingbird.wire.session import Session
from tests.fakes.agent import SimulatedAgent

KEY = bytes(range(32))
PERIOD = 10.0
BEAT_MOST = 1.1 * PERIOD
"""Between two beats, with their jitter."""
ONE, TWO, THREE = ("one", 2131), ("two", 2131), ("three", 2131)


class Gateway:
    """Answers, or not."""

    def __init__(self) -> None:
        self.is_silent = False
        self.turns_away = False
        self.heard: list[tuple[float, Beat]] = []

    def answer(self, data: bytes, *, now: float) -> bytes | None:
        if self.is_silent:
            return None
        beat = wire.open_beat(data, key=KEY)
        if self.turns_away:
            return wire.seal_elsewhere(
                session=beat.session, sequence=beat.sequence, key=KEY
            )
        self.heard.append((now, beat))
        ack = Ack(
            session=beat.session,
            sequence=beat.sequence,
            next_period_seconds=self.period,
        )
        return wire.seal_ack(ack, key=KEY)

    period = PERIOD


class Site:
    """Some gateways and one agent; also its opener and its transport."""

    def __init__(
        self, *places: tuple[str, int], seed: int = 1, period: float = PERIOD
    ) -> None:
        self.clock = ManualClock()
        self.gateways = {place: Gateway() for place in places}
        for gateway in self.gateways.values():
            gateway.period = period
        self.period = period
        self.opened = 0
        self.loss = 0.0
        self.sent: list[tuple[float, tuple[str, int]]] = []
        self.turned = places[0]
        self._answers: list[bytes] = []
        self._rng = random.Random(seed)  # noqa: S311
        self.agent = SimulatedAgent(self, clock=self.clock, transport=self, seed=seed)

    def open(self, *, boot_id: str) -> Opened:
        places = [p for p, gateway in self.gateways.items() if not gateway.is_silent]
        if not places:
            raise SessionRefused("nobody answers")
        self.opened += 1
        given = Session(
            session=self.opened,
            key=KEY,
            period_seconds=self.period,
            retransmit_seconds=1.0,
            expires_in_seconds=3600,
            udp_port=2131,
        )
        others = tuple(place for place in self.gateways if place != places[0])
        return Opened(given, places[0], others)

    def aim(self, address: tuple[str, int]) -> None:
        self.turned = address

    def turn(self, address: tuple[str, int]) -> None:
        self.turned = address

    def mtu(self) -> int | None:
        return None

    def send(self, data: bytes) -> None:
        now = self.clock.monotonic()
        self.sent.append((now, self.turned))
        if self._rng.random() < self.loss:
            return
        answer = self.gateways[self.turned].answer(data, now=now)
        if answer is not None and self._rng.random() >= self.loss:
            self._answers.append(answer)

    def receive(self, *, seconds: float) -> bytes | None:
        if self._answers:
            return self._answers.pop(0)
        self.clock.advance(max(seconds, 0.001))
        return None

    def push(self, place: tuple[str, int]) -> None:
        """Have a gateway say farewell."""
        _, beat = self.gateways[place].heard[-1]
        self._answers.append(
            wire.seal_elsewhere(session=beat.session, sequence=beat.sequence, key=KEY)
        )

    def heard_by(self, *places: tuple[str, int], since: float) -> float | None:
        """Return when one of them was the first to hear the agent since then."""
        times = [
            at
            for place in places
            for at, _ in self.gateways[place].heard
            if at >= since
        ]
        return min(times, default=None)


def die(site: Site) -> None:
    site.gateways[ONE].is_silent = True


def lose_the_database(site: Site) -> None:
    site.gateways[ONE].turns_away = True


def say_farewell(site: Site) -> None:
    site.push(ONE)
    site.gateways[ONE].is_silent = True


@pytest.mark.parametrize("end", [die, lose_the_database, say_farewell])
@pytest.mark.parametrize("places", [(ONE, TWO), (ONE, TWO, THREE)])
def test_an_agent_is_heard_elsewhere_within_a_period_of_its_next_beat(
    end: Callable[[Site], None], places: tuple[tuple[str, int], ...]
) -> None:
    for seed in range(30):
        site = Site(*places, seed=seed)
        site.agent.run(seconds=20 + seed * 0.37)
        ended = site.clock.monotonic()
        end(site)
        site.agent.run(seconds=60)
        heard = site.heard_by(*places[1:], since=ended)
        assert heard is not None
        # Its next beat is due within a period; two repetitions are needed at most.
        assert heard - ended <= BEAT_MOST + 2 * 1.2, seed
        assert heard - ended < 2 * PERIOD, "not even late"
        assert site.opened == 1, "no session is needed for it"


@pytest.mark.parametrize("period", [1.0, 2.0, 5.0, 60.0])
def test_it_is_so_at_every_period(period: float) -> None:
    site = Site(ONE, TWO, period=period)
    site.agent.run(seconds=3 * period)
    die(site)
    ended = site.clock.monotonic()
    site.agent.run(seconds=3 * period + 5)
    heard = site.heard_by(TWO, since=ended)
    assert heard is not None and heard - ended <= 1.1 * period + 3 * 1.2


def test_two_dead_ones_of_three_are_passed_over() -> None:
    for dead in ((ONE, TWO), (ONE, THREE)):
        site = Site(ONE, TWO, THREE)
        site.agent.run(seconds=20)
        ended = site.clock.monotonic()
        for place in dead:
            site.gateways[place].is_silent = True
        site.agent.run(seconds=30)
        (left,) = {ONE, TWO, THREE} - set(dead)
        heard = site.heard_by(left, since=ended)
        assert heard is not None and heard - ended <= BEAT_MOST + 3 * 1.2


def test_who_was_heard_elsewhere_stays_there() -> None:
    site = Site(ONE, TWO)
    site.agent.run(seconds=20)
    die(site)
    site.agent.run(seconds=30)
    site.gateways[ONE].is_silent = False
    before = len(site.gateways[ONE].heard)
    sent = len(site.sent)
    site.agent.run(seconds=300)
    assert len(site.gateways[ONE].heard) == before
    assert len(site.sent) - sent <= 35, "no more datagrams than beats"


def test_a_farewell_is_no_reason_to_beat_sooner() -> None:
    """A fleet that hears it at once would knock at once."""
    site = Site(ONE, TWO)
    site.agent.run(seconds=25)
    sent = len(site.sent)
    site.push(ONE)
    site.agent.step()
    site.agent.step()
    assert len(site.sent) == sent
    site.agent.run(seconds=BEAT_MOST)
    assert site.sent[sent][1] == TWO


def test_when_none_can_take_it_a_beat_is_not_repeated() -> None:
    """The database is away for all: no more datagrams than there are beats and gateways,
    and no session is asked for: those that there are are known to be good."""
    site = Site(ONE, TWO)
    site.agent.run(seconds=20)
    for gateway in site.gateways.values():
        gateway.turns_away = True
    sent = len(site.sent)
    site.agent.run(seconds=118)
    assert len(site.sent) - sent <= 2 * 14
    assert site.opened == 1
    for gateway in site.gateways.values():
        gateway.turns_away = False
    back = site.clock.monotonic()
    site.agent.run(seconds=BEAT_MOST)
    assert site.heard_by(ONE, TWO, since=back) is not None


def test_a_single_gateway_that_turns_away_is_beaten_at_once_a_period() -> None:
    site = Site(ONE)
    site.agent.run(seconds=20)
    lose_the_database(site)
    sent = len(site.sent)
    site.agent.run(seconds=28)
    assert len(site.sent) - sent <= 4
    site.gateways[ONE].turns_away = False
    back = site.clock.monotonic()
    site.agent.run(seconds=BEAT_MOST)
    assert site.heard_by(ONE, since=back) is not None


def test_a_gateway_that_restarts_hears_its_agents_again_with_their_sessions() -> None:
    site = Site(ONE)
    site.agent.run(seconds=20)
    say_farewell(site)
    site.agent.run(seconds=4)
    site.gateways[ONE].is_silent = False
    back = site.clock.monotonic()
    site.agent.run(seconds=BEAT_MOST)
    assert site.heard_by(ONE, since=back) is not None
    assert site.opened == 1


def test_no_sequence_is_used_twice_and_all_go_up_whoever_hears_them() -> None:
    site = Site(ONE, TWO)
    site.loss = 0.3
    site.agent.run(seconds=600)
    heard = sorted(
        (at, beat.sequence)
        for gateway in site.gateways.values()
        for at, beat in gateway.heard
    )
    sequences = [sequence for _, sequence in heard]
    assert sequences == sorted(set(sequences))
    assert all(gateway.heard for gateway in site.gateways.values())


def test_a_lossy_link_loses_no_beat_for_going_to_and_fro() -> None:
    site = Site(ONE, TWO)
    site.loss = 0.2
    site.agent.run(seconds=1200)
    heard = sorted(at for g in site.gateways.values() for at, _ in g.heard)
    gaps = [later - sooner for sooner, later in pairwise(heard)]
    assert max(gaps) < 2 * PERIOD


def test_who_forges_a_farewell_sends_nobody_away() -> None:
    site = Site(ONE, TWO)
    site.agent.run(seconds=25)
    _, beat = site.gateways[ONE].heard[-1]
    forged = wire.seal_elsewhere(
        session=beat.session, sequence=beat.sequence, key=bytes(32)
    )
    old = wire.seal_elsewhere(session=beat.session, sequence=1, key=KEY)
    site._answers += [forged, old]
    site.agent.run(seconds=30)
    assert site.gateways[TWO].heard == []


@pytest.mark.parametrize("end", [die, lose_the_database, say_farewell])
def test_a_fleet_goes_elsewhere_without_a_storm(
    end: Callable[[Site], None],
) -> None:
    """What the other gateway gets in its worst second is what the fleet's beats are, as if
    they had always gone there, and twice that where each beat is sent twice in vain."""
    fleet = [Site(ONE, TWO, seed=seed) for seed in range(200)]
    for index, site in enumerate(fleet):
        # Their beats are spread over a period, as those of a fleet are.
        site.clock.advance(index * PERIOD / len(fleet))
        site.agent.run(seconds=50.0 - site.clock.monotonic())
        end(site)
        site.agent.run(seconds=40)
    at_two = heapq.merge(
        *(
            [int(at) for at, place in site.sent if place == TWO and at >= 50.0]
            for site in fleet
        )
    )
    busiest = max(Counter(at_two).values())
    assert busiest <= 3 * len(fleet) / PERIOD
    assert {site.opened for site in fleet} == {1}
