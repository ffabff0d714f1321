# SPDX-License-Identifier: Apache-2.0
"""The rhythm of a host: beats, repetitions, sessions; time is the test's own."""

import random
from itertools import pairwise
from uuid import UUID

from agents.link.heart import SILENT_PERIODS, Heart
from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import Ack, Beat, Head, Kind, Wanted
from hummingbird.wire.session import Session

KEY = bytes(range(32))
BOOT = UUID(int=1)


def heart(*, now: float = 0.0, seed: int = 1) -> Heart:
    given = Session(
        session=7,
        key=KEY,
        period_seconds=10.0,
        retransmit_seconds=1.0,
        expires_in_seconds=3600,
        udp_port=2131,
    )
    return Heart(given, boot_id=BOOT, now=now, rng=random.Random(seed))  # noqa: S311


def transmit(of: Heart, *, now: float) -> Beat:
    return wire.open_beat(of.transmit(now=now, uptime_seconds=5), key=KEY)


def ack(
    sequence: int, *, period: float = 10.0, wanted: Wanted = Wanted.NOTHING
) -> bytes:
    return wire.seal_ack(
        Ack(session=7, sequence=sequence, next_period_seconds=period, wanted=wanted),
        key=KEY,
    )


def test_it_beats_at_once_and_then_each_period_within_a_tenth() -> None:
    of, now, gaps = heart(), 0.0, []
    for _ in range(200):
        beat = transmit(of, now=now)
        assert beat.attempt == 0
        assert of.hear(ack(beat.sequence), now=now).ack
        gaps.append(of.due_at() - now)
        now = of.due_at()
    assert all(9.0 <= gap <= 11.0 for gap in gaps)
    assert max(gaps) - min(gaps) > 1.0


def test_an_unheard_beat_is_repeated_each_second_with_a_new_sequence() -> None:
    of, now = heart(), 0.0
    beats, times = [], []
    while now < 9.0:
        beats.append(transmit(of, now=now))
        times.append(now)
        now = of.due_at()
    assert [beat.sequence for beat in beats] == list(range(1, len(beats) + 1))
    assert [beat.attempt for beat in beats] == list(range(len(beats)))
    assert {beat.first_sequence for beat in beats} == {1}
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert all(0.8 <= gap <= 1.2 for gap in gaps)
    assert len(beats) >= 8


def test_up_to_the_critical_stage_some_thirty_datagrams_must_be_lost() -> None:
    of, now, sent = heart(), 0.0, 0
    while now < 30.0:
        transmit(of, now=now)
        sent += 1
        now = of.due_at()
    assert sent >= 25


def test_a_new_beat_begins_while_the_old_one_is_repeated() -> None:
    of, now, firsts = heart(), 0.0, set()
    while now < 35.0:
        firsts.add(transmit(of, now=now).first_sequence)
        now = of.due_at()
    assert len(firsts) == 4


def test_an_ack_of_a_former_beat_does_not_count() -> None:
    of = heart()
    first = transmit(of, now=0.0)
    assert of.hear(ack(first.sequence), now=0.1).ack
    second = transmit(of, now=of.due_at())
    assert not of.hear(ack(first.sequence), now=11.2).ack
    assert of.hear(ack(second.sequence), now=11.3).ack


def test_what_is_forged_foreign_or_reflected_is_ignored() -> None:
    of = heart()
    datagram = of.transmit(now=0.0, uptime_seconds=5)
    forged = bytearray(ack(1))
    forged[-1] ^= 1
    foreign = wire.unknown_session(Head(Kind.BEAT, 8, 1))
    unasked = wire.unknown_session(Head(Kind.BEAT, 7, 2))
    for data in (b"", bytes(forged), datagram, foreign, unasked):
        assert not of.hear(data, now=0.1).ack
    assert not of.session_wanted(now=0.2)
    assert of.due_at() < 2.0


def test_the_gateway_sets_the_period_at_once() -> None:
    of = heart()
    beat = transmit(of, now=0.0)
    of.hear(ack(beat.sequence, period=2.0), now=0.1)
    assert 1.8 <= of.due_at() <= 2.2
    beat = transmit(of, now=of.due_at())
    of.hear(ack(beat.sequence, period=0.0), now=2.5)
    assert of.period_seconds > 0


def test_an_unknown_session_asks_for_another() -> None:
    of = heart()
    beat = transmit(of, now=0.0)
    of.hear(wire.unknown_session(Head(Kind.BEAT, 7, beat.sequence)), now=0.1)
    assert of.session_wanted(now=0.2)


def test_an_ack_after_an_unsealed_no_takes_it_back() -> None:
    of = heart()
    beat = transmit(of, now=0.0)
    of.hear(wire.unknown_session(Head(Kind.BEAT, 7, beat.sequence)), now=0.1)
    of.hear(ack(beat.sequence), now=0.2)
    assert not of.session_wanted(now=0.3)


def test_a_session_is_renewed_in_time_and_when_asked() -> None:
    of, now = heart(), 0.0
    while not of.session_wanted(now=now):
        of.hear(ack(transmit(of, now=now).sequence), now=now)
        now = of.due_at()
    assert 0.8 * 3600 <= now <= 0.8 * 3600 + 11
    of = heart()
    of.hear(ack(transmit(of, now=0.0).sequence, wanted=Wanted.SESSION), now=0.1)
    assert of.session_wanted(now=0.2)


def test_long_silence_doubts_the_session() -> None:
    of = heart()
    transmit(of, now=0.0)
    assert not of.session_wanted(now=SILENT_PERIODS * 10.0 - 1)
    assert of.session_wanted(now=SILENT_PERIODS * 10.0)
