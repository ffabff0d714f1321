# SPDX-License-Identifier: Apache-2.0
"""What a host's heartbeats tell of its path; time is the test's own."""

import random

import pytest

from agents.link.heart import Heart
from agents.link.meter import WINDOW_BEATS, Meter
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack, Beat, Path
from hummingbird.wire.session import Session
from tests.unit.agents.test_heart import BOOT, KEY


def path(of: Meter) -> Path:
    of.begin()
    return of.path(mtu=None)


def test_a_time_is_that_of_the_transmission_that_was_acknowledged() -> None:
    of = Meter()
    of.begin()
    of.sent(1, now=0.0)
    of.sent(2, now=1.0)
    of.acknowledged(2, now=1.04)
    assert of.path(mtu=None).rtt_seconds == pytest.approx(0.04)
    of.acknowledged(2, now=9.0)
    assert of.path(mtu=None).rtt_seconds == pytest.approx(0.04), "twice is once"


def test_a_time_is_smoothed() -> None:
    of = Meter()
    of.begin()
    of.sent(1, now=0.0)
    of.acknowledged(1, now=0.08)
    of.sent(2, now=1.0)
    of.acknowledged(2, now=1.88)
    assert of.path(mtu=None).rtt_seconds == pytest.approx(0.08 + 0.8 / 8)


def test_what_had_no_answer_was_lost_but_not_what_was_late() -> None:
    of = Meter()
    of.begin()
    of.sent(1, now=0.0)
    of.sent(2, now=1.0)
    of.acknowledged(2, now=1.1)
    assert (path(of).sent, path(of).lost) == (2, 1)
    of.sent(3, now=10.0)
    of.sent(4, now=11.0)
    of.acknowledged(4, now=11.5)
    of.acknowledged(3, now=11.6)
    assert (path(of).sent, path(of).lost) == (4, 1)


def test_a_cable_that_is_out_is_not_a_lossy_path() -> None:
    of = Meter()
    for beat in range(30):
        of.begin()
        of.sent(beat, now=beat * 10.0)
        of.acknowledged(beat, now=beat * 10.0 + 0.1)
    of.begin()
    for late in range(10):
        of.sent(100 + late, now=300.0 + late)
    assert (path(of).sent, path(of).lost) == (31, 1)


def test_what_is_long_ago_is_forgotten() -> None:
    of = Meter()
    of.begin()
    of.sent(0, now=0.0)
    for beat in range(1, WINDOW_BEATS + 1):
        of.begin()
        of.sent(beat, now=beat * 10.0)
        of.acknowledged(beat, now=beat * 10.0 + 0.1)
    assert (path(of).sent, path(of).lost) == (WINDOW_BEATS, 0)


def beats(*, takes_path: bool) -> list[Beat]:
    """Return the transmissions of one beat that nobody acknowledges."""
    given = Session(
        session=7,
        key=KEY,
        period_seconds=10.0,
        retransmit_seconds=1.0,
        expires_in_seconds=3600,
        udp_port=2131,
        takes_path=takes_path,
    )
    of = Heart(given, boot_id=BOOT, now=0.0, rng=random.Random(1))  # noqa: S311
    sent = []
    for now in (0.0, 1.2, 2.4):
        data = of.transmit(now=now, uptime_seconds=1, mtu=1420)
        sent.append(wire.open_beat(data, key=KEY))
    return sent


def test_a_path_is_told_only_to_who_takes_it() -> None:
    assert [beat.path for beat in beats(takes_path=False)] == [None] * 3


def test_a_gateway_of_before_hears_the_second_transmission() -> None:
    """Sessions are of one gateway and beats may reach another, while they are upgraded."""
    first, second, third = beats(takes_path=True)
    assert first.path is not None and first.path.mtu == 1420
    assert second.path is None and third.path is not None


def test_what_was_measured_outlives_a_session() -> None:
    meter, told = Meter(), None
    for session in (7, 8):
        given = Session(
            session=session,
            key=KEY,
            period_seconds=10.0,
            retransmit_seconds=1.0,
            expires_in_seconds=3600,
            udp_port=2131,
            takes_path=True,
        )
        rng = random.Random(1)  # noqa: S311
        of = Heart(given, boot_id=BOOT, now=0.0, rng=rng, meter=meter)
        data = of.transmit(now=0.0, uptime_seconds=1)
        told = wire.open_beat(data, key=KEY)
        ack = Ack(session=session, sequence=told.sequence, next_period_seconds=10.0)
        of.hear(wire.seal_ack(ack, key=KEY), now=0.05)
    assert told is not None and told.path is not None
    assert told.path.rtt_seconds == pytest.approx(0.05)
    assert told.path.sent == 1
